use std::{fmt, fs::File, io::Read, os::unix::fs::MetadataExt, path::Path, str::FromStr};

use subtle::ConstantTimeEq;

use super::error::HttpError;
use crate::tls::check_secret;

/// The secret with which a client is allowed to send commands to a node. `Debug` does not print it.
///
/// ```
/// use elector_net::http::Token;
///
/// let token: Token = "f3b1c0d49a7e4e0c".parse()?;
/// assert!(token.matches(b"f3b1c0d49a7e4e0c"));
/// assert!("hunter2".parse::<Token>().is_err(), "short enough to be guessed");
/// # Ok::<(), elector_net::http::HttpError>(())
/// ```
#[derive(Clone)]
pub struct Token(String);

const SHORTEST: usize = 16;
const LONGEST: usize = 512;

impl Token {
    /// Reads a token from a file, without the line end. Only the owner may be able to read the
    /// file. If root owns the file, its group may read it, too. The same rule applies to the key of
    /// TLS, which [`TlsFiles`](crate::tls::TlsFiles) names.
    ///
    /// # Errors
    /// If the file cannot be read, if others can read or write it, or if it contains no valid
    /// token.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, HttpError> {
        let path = path.as_ref();
        let unread = |error| HttpError::TokenFile {
            path: path.to_owned(),
            error,
        };
        let mut file = File::open(path).map_err(unread)?;
        let found = file.metadata().map_err(unread)?;
        check_secret(found.mode(), found.uid()).map_err(|allowed| HttpError::TokenExposed {
            path: path.to_owned(),
            mode: found.mode() & 0o777,
            allowed,
        })?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unread)?;
        text.parse()
    }

    /// Returns `true` if these are the bytes of the token. The duration of this call reveals at
    /// most the length of the token.
    #[must_use]
    pub fn matches(&self, sent: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(sent).into()
    }

    /// Returns the value of the header `Authorization` for this token.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl FromStr for Token {
    type Err = HttpError;

    fn from_str(text: &str) -> Result<Self, HttpError> {
        let text = text.trim_end_matches(['\r', '\n']);
        match text.len() {
            0 => Err(HttpError::Token("empty")),
            1..SHORTEST => Err(HttpError::Token("too short")),
            SHORTEST..=LONGEST if text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self(text.to_owned()))
            }
            SHORTEST..=LONGEST => Err(HttpError::Token("not one word of visible ASCII")),
            _ => Err(HttpError::Token("too long")),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Token>().unwrap_err().to_string()
    }

    // An empty token, which a mistake in a script can cause, must not give everyone access to the
    // node.
    #[test]
    fn an_invalid_token_is_rejected() {
        assert!(error("").contains("empty"));
        assert!(error("\n").contains("empty"));
        assert!(error("fifteen_letters").contains("too short"));
        assert!(error("two words are not one").contains("not one word"));
        assert!(error(&"x".repeat(513)).contains("too long"));
    }

    // With the token, another user of the machine could transfer the leadership. So a token file
    // that others can read or write must be rejected, and the error must say how to repair it.
    #[test]
    fn a_file_that_others_can_read_or_write_is_rejected_with_the_command_that_fixes_it() {
        use std::{fs, os::unix::fs::PermissionsExt};

        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, "0123456789abcdef\n").unwrap();
        let read_as = |mode| {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            Token::read(&file)
        };
        for mode in [0o604, 0o602, 0o620] {
            let error = read_as(mode).unwrap_err().to_string();
            assert!(error.contains(&format!("mode {mode:03o}")), "{error}");
            let command = format!("chmod 600 {}", file.path().display());
            assert!(error.ends_with(&command), "{error}");
        }
        assert!(read_as(0o644).is_err());
        assert!(read_as(0o600).unwrap().matches(b"0123456789abcdef"));
        assert!(read_as(0o400).is_ok());
    }

    // Programs write values into logs with `{:?}`. So this format must not contain the token.
    #[test]
    fn it_is_not_printed() {
        let token: Token = "0123456789abcdef\n".parse().unwrap();
        assert!(!format!("{token:?}").contains("0123"));
        assert!(token.matches(b"0123456789abcdef"));
        assert!(!token.matches(b"0123456789abcdeF"));
        assert!(!token.matches(b"0123456789abcde"));
    }
}
