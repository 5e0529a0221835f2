use alloc::string::{String, ToString};
use core::error::Error;

/// Implements `Debug` for error types. The implementation prints the text of the error with all its
/// causes, and not the structure of the error. The reason is that people read this output: Rust
/// prints the error that `main` returns with `Debug`, and `unwrap` does the same.
///
/// `{:#?}` prints the same text. Code that needs the structure of an error matches its variants.
///
/// ```
/// #[derive(thiserror::Error)]
/// #[error("cannot start: {0}")]
/// struct StartError(u8);
///
/// elector_core::debug_as_text!(StartError);
///
/// assert_eq!(format!("{:?}", StartError(7)), "cannot start: 7");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! debug_as_text {
    ($($error:ty),+ $(,)?) => {
        $(
            impl ::core::fmt::Debug for $error {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.write_str(&$crate::error_text(self))
                }
            }
        )+
    };
}

/// Returns the text of an error and of all its causes, separated by colons. The function leaves a
/// cause out if the text so far already contains the text of this cause.
#[doc(hidden)]
#[must_use]
pub fn error_text(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        add_cause(&mut text, cause);
        source = cause.source();
    }
    text
}

fn add_cause(text: &mut String, cause: &dyn Error) {
    let cause = cause.to_string();
    if !text.contains(&cause) {
        text.push_str(": ");
        text.push_str(&cause);
    }
}

#[cfg(test)]
mod tests {
    use std::{boxed::Box, format, io};

    use thiserror::Error;

    use super::*;

    #[derive(Error)]
    enum Outer {
        #[error("the node cannot start: {0}")]
        Named(#[source] Box<dyn Error>),
        #[error("the node cannot start")]
        Silent(#[source] Box<dyn Error>),
    }

    #[derive(Debug, Error)]
    #[error("the disk cannot be read")]
    struct Middle(#[source] io::Error);

    debug_as_text!(Outer);

    // Rust prints the error that `main` returns with `{:?}`. The output must contain each cause,
    // and only once.
    #[test]
    fn the_text_names_each_cause_once() {
        let middle = || Box::new(Middle(io::Error::other("no such sector")));
        let expected = "the node cannot start: the disk cannot be read: no such sector";
        for error in [Outer::Named(middle()), Outer::Silent(middle())] {
            assert_eq!(format!("{error:?}"), expected);
            assert_eq!(format!("{error:#?}"), expected);
        }
    }
}
