use super::*;

#[test]
fn a_panic_becomes_its_message_and_place() {
    install_hook();
    let error = contain(|| panic!("book {} is crossed", 7)).expect_err("it panics");
    assert!(error.starts_with("book 7 is crossed at "), "{error}");
    assert!(error.contains("contain/tests.rs"), "{error}");
    assert_eq!(contain(|| 5), Ok(5));
}

#[test]
fn a_payload_of_any_type_is_survived() {
    install_hook();
    let error = contain(|| panic::panic_any(17_u64)).expect_err("it panics");
    assert!(error.starts_with("a panic without a message"), "{error}");
}
