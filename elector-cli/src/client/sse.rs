use std::io::{self, BufRead, Read as _};

/// The maximum length of one line of a stream of events. A line can contain the status of a node,
/// also in a cluster of ten thousand nodes.
const MAX_LINE_BYTES: u64 = 4 * 1024 * 1024;

/// One event of a stream, as it was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RawEvent {
    /// The id with which a client requests the events that follow this event.
    pub(super) id: Option<String>,
    /// The event as JSON.
    pub(super) data: String,
}

/// Reads a stream of server-sent events (WHATWG, section 9.2.6). The `event` field is ignored,
/// because the data contains the name of the event, too.
#[derive(Debug)]
pub(super) struct Stream<R>(R);

impl<R: BufRead> Stream<R> {
    pub(super) fn new(reader: R) -> Self {
        Self(reader)
    }

    /// Returns the next event, or `None` at the end of the stream.
    ///
    /// # Errors
    /// If the connection fails, or if a line is not UTF-8 or too long.
    pub(super) fn next(&mut self) -> io::Result<Option<RawEvent>> {
        let mut event = RawEvent::default();
        let mut lines = Vec::new();
        while let Some(line) = self.line()? {
            if line.is_empty() {
                if lines.is_empty() {
                    event = RawEvent::default();
                    continue;
                }
                event.data = lines.join("\n");
                return Ok(Some(event));
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" => lines.push(value.to_owned()),
                "id" => event.id = Some(value.to_owned()),
                // In a stream of events, a comment is a line with an empty field name. Comments are
                // ignored, and so are fields that are not needed.
                _ => {}
            }
        }
        // The stream has ended within an event. This event is dropped: the node sends it again when
        // the client has connected again.
        Ok(None)
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = (&mut self.0).take(MAX_LINE_BYTES).read_line(&mut line)?;
        if read == 0 {
            return Ok(None);
        }
        if !line.ends_with('\n') && read as u64 == MAX_LINE_BYTES {
            return Err(io::Error::other("the line is too long"));
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
        let next = || stream.next().unwrap().map(|event| (event.id, event.data));
        std::iter::from_fn(next).collect()
    }

    // Proxies and keep-alives send lines between the events, and these lines must not become
    // events. A connection may break at any byte, and half an event must not be reported.
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

    // A server that is no node must not fill the memory of this process.
    #[test]
    fn an_endless_line_is_an_error() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        let error = Stream::new(endless).next().unwrap_err();
        assert_eq!(error.to_string(), "the line is too long");
    }
}
