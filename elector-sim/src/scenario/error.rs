use thiserror::Error;

/// Why there is no such scenario.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// No built-in scenario has this name.
    #[error("there is no scenario \"{name}\"{}", nearest.as_ref().map_or_else(
        || ": `elector scenarios` lists them".to_owned(),
        |nearest| format!(": did you mean \"{nearest}\"? `elector scenarios` lists them"),
    ))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The most similar name there is.
        nearest: Option<String>,
    },
    /// No ingredient of a composition has this name.
    #[error("there is no ingredient \"{name}\"{}; the ingredients are: {known}",
        nearest.as_ref().map_or_else(String::new, |nearest| {
            format!(": did you mean \"{nearest}\"?")
        }),
    )]
    Ingredient {
        /// What was asked for.
        name: String,
        /// The most similar name there is.
        nearest: Option<String>,
        /// All of them.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read the scenario file {path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The text is no scenario. The message names line and reason.
    #[error("{path}: {message}")]
    Parse {
        /// The file.
        path: String,
        /// Line and reason.
        message: String,
    },
    /// A step does nothing, or several things.
    #[error(
        "{path}: line {line}: step {step} must do exactly one thing, and does {actions}; \
         the things a step can do are: {choices}"
    )]
    Actions {
        /// The file.
        path: String,
        /// The line of the step.
        line: usize,
        /// The number of the step, from 1.
        step: usize,
        /// How many things it does.
        actions: usize,
        /// What a step can do.
        choices: String,
    },
    /// A value is out of range.
    #[error("{path}: line {line}: {reason}")]
    Value {
        /// The file.
        path: String,
        /// The line, 1 if it concerns the whole file.
        line: usize,
        /// What is wrong, and what to do.
        reason: String,
    },
}
