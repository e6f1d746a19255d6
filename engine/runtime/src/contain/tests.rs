use super::*;

#[test]
fn a_panic_becomes_its_message_and_place() {
    install_hook();
    let error = contain(|| panic!("book {} is crossed", 7)).expect_err("it panics");
    let sentence = error.sentence;
    assert!(
        sentence.starts_with("panicked: book 7 is crossed at "),
        "{sentence}"
    );
    assert!(sentence.contains("contain/tests.rs:"), "{sentence}");
    assert!(!sentence.contains('\n'), "{sentence}");
    assert_eq!(contain(|| 5), Ok(5));
}

#[test]
fn a_payload_of_any_type_is_survived() {
    install_hook();
    let error = contain(|| panic::panic_any(17_u64)).expect_err("it panics");
    let sentence = error.sentence;
    assert!(
        sentence.starts_with("panicked: without a message at "),
        "{sentence}"
    );
}
