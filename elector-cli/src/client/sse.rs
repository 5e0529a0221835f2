use std::io::{self, BufRead, Read as _};

/// The most bytes that one line of a stream may have: a status of ten thousand nodes fits.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// One event of a stream, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// Where to go on after it.
    pub(super) id: Option<String>,
    /// What it tells.
    pub(super) data: String,
}

/// Reads a stream of server-sent events (WHATWG, section 9.2.6). The name of an event is in its
/// data too, and is passed over.
#[derive(Debug)]
pub(super) struct Stream<R>(R);

impl<R: BufRead> Stream<R> {
    pub(super) fn new(reader: R) -> Self {
        Self(reader)
    }

    /// The next event; `None` at the end.
    ///
    /// # Errors
    /// Those of the connection; if a line is no text, or too long to be meant.
    pub(super) fn next(&mut self) -> io::Result<Option<Sent>> {
        let mut sent = Sent::default();
        let mut lines = Vec::new();
        while let Some(line) = self.line()? {
            if line.is_empty() {
                if lines.is_empty() {
                    sent = Sent::default();
                    continue;
                }
                sent.data = lines.join("\n");
                return Ok(Some(sent));
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" => lines.push(value.to_owned()),
                "id" => sent.id = Some(value.to_owned()),
                // Comments, and what we have no use for.
                _ => {}
            }
        }
        // An event that is cut off is none: it is sent again to whoever asks.
        Ok(None)
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = (&mut self.0).take(MOST_BYTES).read_line(&mut line)?;
        if read == 0 {
            return Ok(None);
        }
        if !line.ends_with('\n') && read as u64 == MOST_BYTES {
            return Err(io::Error::other("a line without an end"));
        }
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(Option<String>, String)> {
        let mut stream = Stream::new(text.as_bytes());
        let next = || stream.next().unwrap().map(|sent| (sent.id, sent.data));
        std::iter::from_fn(next).collect()
    }

    // Proxies and keep-alives put things between the events, and connections break anywhere.
    #[test]
    fn events_are_read_whole_or_not_at_all() {
        let text = ":\n\nevent: viewed\nid: a-1\ndata: {\"n\":\ndata: 1}\n\n: alive\r\n\r\n\
            retry: 9\n\ndata:x\nid\n\nid: a-3\ndata: cut";
        let id = |id: &str| Some(id.to_owned());
        assert_eq!(
            read(text),
            [
                (id("a-1"), "{\"n\":\n1}".to_owned()),
                (id(""), "x".to_owned())
            ]
        );
    }

    // Whatever listens there must not fill the memory.
    #[test]
    fn a_line_without_an_end_is_given_up() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        let error = Stream::new(endless).next().unwrap_err();
        assert_eq!(error.to_string(), "a line without an end");
    }
}
