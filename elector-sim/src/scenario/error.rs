use thiserror::Error;

/// Why a scenario cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// No built-in scenario has this name.
    #[error("there is no scenario \"{name}\"{}", nearest.as_ref().map_or_else(
        || ": `elector scenarios` lists them".to_owned(),
        |nearest| format!(": did you mean \"{nearest}\"? `elector scenarios` lists them"),
    ))]
    Unknown {
        /// The name that the user gave.
        name: String,
        /// The most similar name of a built-in scenario.
        nearest: Option<String>,
    },
    /// The name is that of a group, where one scenario is expected.
    #[error("\"{name}\" is a group of scenarios: give one of {names}")]
    Group {
        /// The name of the group.
        name: &'static str,
        /// The names of the scenarios in the group.
        names: String,
    },
    /// No ingredient, which is a kind of fault, has this name.
    #[error("there is no ingredient \"{name}\"{}; the ingredients are: {known}",
        nearest.as_ref().map_or_else(String::new, |nearest| {
            format!(": did you mean \"{nearest}\"?")
        }),
    )]
    Ingredient {
        /// The name that the user gave.
        name: String,
        /// The most similar name of an ingredient.
        nearest: Option<String>,
        /// The names of all ingredients.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read the scenario file {path}: {error}")]
    Read {
        /// The path of the file.
        path: String,
        /// Why the file cannot be read.
        error: std::io::Error,
    },
    /// The text is not a scenario. The message names the line and the reason.
    #[error("{path}: {message}")]
    Parse {
        /// The path of the file.
        path: String,
        /// The line, and the reason why the text is not a scenario.
        message: String,
    },
    /// A step has no action, or several.
    #[error(
        "{path}: line {line}: step {step} must have exactly one action, and has {actions}; \
         the actions are: {choices}"
    )]
    Actions {
        /// The path of the file.
        path: String,
        /// The line of the step.
        line: usize,
        /// The number of the step, from 1.
        step: usize,
        /// How many actions the step has.
        actions: usize,
        /// The actions that a step can have.
        choices: String,
    },
    /// A value is out of range.
    #[error("{path}: line {line}: {reason}")]
    Value {
        /// The path of the file.
        path: String,
        /// The line with the value; 1 if the error concerns the whole file.
        line: usize,
        /// What is wrong, and what to do.
        reason: String,
    },
}
