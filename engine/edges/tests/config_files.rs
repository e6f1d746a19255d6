//! Every configuration that comes with the project loads, and says everything there is to say.

use pitlane_edges::config::{Config, Overrides, Profile};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn configs() -> BTreeMap<String, (String, Config)> {
    let dir = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs"));
    let files = std::fs::read_dir(dir).expect("the folder of configurations");
    files
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| {
            let config = Config::load(&path, &Overrides::none()).unwrap_or_else(|e| panic!("{e}"));
            let text = std::fs::read_to_string(&path).expect("text");
            let name = path.file_name().expect("a name").to_string_lossy();
            (name.into_owned(), (text, config))
        })
        .collect()
}

#[test]
fn every_configuration_loads_and_is_complete() {
    let configs = configs();
    let names: Vec<_> = configs.keys().map(String::as_str).collect();
    for expected in [
        "ci.toml",
        "fx.toml",
        "isolated.toml",
        "laptop.toml",
        "live.toml",
        "local.toml",
        "sample.toml",
    ] {
        assert!(names.contains(&expected), "{expected} is missing");
    }
    // What a live source alone is told stands in the file of a live source alone.
    let (mut every_key, mut of_live) = (Vec::new(), Vec::new());
    let mut section = "";
    for line in Config::defaults_toml().lines() {
        let line = line.trim_start_matches("# ");
        if line.starts_with('[') {
            section = line.split(' ').next().expect("a name");
        } else if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| *key != "core") {
            let live = ["[[upstream]]", "[live]"].contains(&section) || key.ends_with("_silent");
            if live { &mut of_live } else { &mut every_key }.push(key);
        }
    }
    assert!(every_key.len() > 30 && of_live.len() > 30);
    for (name, (text, config)) in &configs {
        let live = of_live.iter().filter(|_| !config.upstreams.is_empty());
        for key in every_key.iter().chain(live) {
            assert!(
                text.contains(&format!("{key} = ")),
                "{name} does not mention {key}"
            );
        }
        assert!(!config.instruments.is_empty(), "{name}");
        assert!(!config.core_map.threads.is_empty(), "{name}");
    }
}

#[test]
fn the_profiles_are_what_the_names_say() {
    let configs = configs();
    let profile = |name: &str| configs[name].1.core_map.profile.value;
    assert_eq!(profile("local.toml"), Profile::Shared);
    assert_eq!(profile("laptop.toml"), Profile::Shared);
    assert_eq!(profile("sample.toml"), Profile::Shared);
    assert_eq!(profile("isolated.toml"), Profile::Isolated);
    assert_eq!(profile("ci.toml"), Profile::Folded);
}

#[test]
fn every_map_places_the_same_agents_once() {
    let configs = configs();
    let agents = |config: &Config| {
        let threads = config.core_map.threads.iter();
        let mut agents: Vec<String> = threads
            .flat_map(|thread| thread.agents.iter().map(|agent| agent.value.clone()))
            .collect();
        agents.sort();
        agents
    };
    let of_ci = agents(&configs["ci.toml"].1);
    for (name, (_, config)) in &configs {
        assert_eq!(agents(config), of_ci, "{name}");
    }
}
