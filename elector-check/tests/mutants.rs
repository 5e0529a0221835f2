//! The list of mutants fits the sources: a change of the algorithms must take its mutants along.
//! What finds each is tried by `cargo run --release -p elector-check --example mutants`.

use std::{collections::BTreeSet, fs, path::Path};

use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    mutant: Vec<Mutant>,
}

#[derive(Deserialize)]
struct Mutant {
    name: String,
    variants: Vec<String>,
    edit: Vec<Edit>,
}

#[derive(Deserialize)]
struct Edit {
    file: String,
    find: String,
    replace: String,
}

#[test]
fn every_mutant_changes_one_place_of_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("elector-check/mutants.toml")).expect("the list");
    let file: File = toml::from_str(&text).expect("a list of mutants");
    let mut names = BTreeSet::new();
    for Mutant {
        name,
        variants,
        edit,
    } in &file.mutant
    {
        assert!(names.insert(name), "two mutants are named {name:?}");
        assert!(!variants.is_empty() && !edit.is_empty(), "{name}");
        for edit in edit {
            let source = fs::read_to_string(root.join(&edit.file)).expect("a source file");
            let found = source.matches(&edit.find).count();
            assert_eq!(found, 1, "{name}: {} contains {:?}", edit.file, edit.find);
            assert_ne!(edit.find, edit.replace, "{name}");
        }
    }
    assert!(names.len() >= 33, "only {} mutants", names.len());
}
