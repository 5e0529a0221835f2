use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{Result, VARIANTS};

/// The list of mutants in `elector-check/mutants.toml`.
#[derive(Deserialize)]
pub(crate) struct List {
    pub(crate) mutant: Vec<Mutant>,
}

/// A fault that is put into a copy of the sources on purpose.
#[derive(Deserialize)]
pub(crate) struct Mutant {
    pub(crate) name: String,
    /// The variants of the algorithm in which random walks and a search look for the fault.
    pub(crate) variants: Vec<String>,
    /// The reason why the fault is harmless; `None` if it must be found.
    #[serde(default)]
    pub(crate) harmless: Option<String>,
    edit: Vec<Edit>,
}

#[derive(Deserialize)]
struct Edit {
    file: PathBuf,
    find: String,
    replace: String,
}

impl List {
    /// Reads the list of the workspace in `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join("elector-check/mutants.toml"))?;
        let list: Self = toml::from_str(&text)?;
        for Mutant { name, variants, .. } in &list.mutant {
            let unknown = |it: &&String| !VARIANTS.contains(&it.as_str());
            if let Some(unknown) = variants.iter().find(unknown) {
                return Err(format!("{name}: there is no variant {unknown}").into());
            }
        }
        Ok(list)
    }
}

impl Mutant {
    /// Returns the text of each source file that the fault changes, after the change.
    pub(crate) fn changes(&self, root: &Path) -> Result<BTreeMap<&Path, String>> {
        let mut changed = BTreeMap::new();
        for Edit {
            file,
            find,
            replace,
        } in &self.edit
        {
            let text = match changed.remove(file.as_path()) {
                Some(text) => text,
                None => fs::read_to_string(root.join(file))?,
            };
            let found = text.matches(find).count();
            if found != 1 {
                let (name, file) = (&self.name, file.display());
                let error = format!("{name}: {file} contains {find:?} {found} times");
                return Err(error.into());
            }
            changed.insert(file.as_path(), text.replace(find, replace));
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::root;

    // When the code of an algorithm changes, the mutants (faults that replace parts of this code)
    // must change too. A mutant that finds no text to replace would test nothing.
    #[test]
    fn every_mutant_changes_the_sources() {
        let list = List::read(&root()).expect("a list of mutants");
        assert!(list.mutant.len() >= 33, "{} mutants", list.mutant.len());
        let mut names = BTreeSet::new();
        for mutant in &list.mutant {
            let name = &mutant.name;
            assert!(names.insert(name), "two mutants are named {name:?}");
            assert!(!mutant.variants.is_empty(), "{name} has no variant");
            let changes = mutant.changes(&root()).expect("each edit matches once");
            for (file, text) in changes {
                let before = fs::read_to_string(root().join(file)).expect("a source");
                assert_ne!(text, before, "{name} changes nothing in {}", file.display());
            }
        }
    }
}
