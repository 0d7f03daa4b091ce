//! Server-sent events, as the HTML standard has them (9.2.6).

use std::time::Duration;

use super::client::Pieces;
use crate::connection::Reply;

/// The server says something at least every 15 seconds.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// An event larger than this is none of ours.
const EVENT_BYTES_MAX: usize = 64 << 20;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Empty for an ordinary message.
    pub(super) name: String,
    pub(super) data: Vec<u8>,
}

/// A stream of events.
#[derive(Debug)]
pub(super) struct Events {
    pieces: Pieces,
    parser: Parser,
}

impl Events {
    pub(super) fn new(pieces: Pieces) -> Self {
        Self {
            pieces,
            parser: Parser::default(),
        }
    }

    /// The next event; none when the stream has ended, or can no longer be one of ours.
    pub(super) async fn next(&mut self) -> Reply<Option<Event>> {
        loop {
            if let Some(event) = self.parser.next() {
                return Ok(Some(event));
            }
            if self.parser.is_overfull() {
                return Ok(None);
            }
            match self.pieces.next(SILENCE_MAX).await? {
                Some(piece) => self.parser.feed(&piece),
                None => return Ok(None),
            }
        }
    }
}

/// Takes bytes as they come and gives events.
#[derive(Debug, Default)]
struct Parser {
    unread: Vec<u8>,
    /// So many of the unread bytes are read.
    read: usize,
    /// So many of the unread bytes hold no end of a line.
    looked_at: usize,
    name: String,
    data: Option<Vec<u8>>,
}

impl Parser {
    fn feed(&mut self, bytes: &[u8]) {
        self.unread.drain(..self.read);
        self.looked_at -= self.read;
        self.read = 0;
        self.unread.extend_from_slice(bytes);
    }

    fn is_overfull(&self) -> bool {
        self.unread.len() + self.data.as_ref().map_or(0, Vec::len) > EVENT_BYTES_MAX
    }

    fn next(&mut self) -> Option<Event> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                let name = std::mem::take(&mut self.name);
                // an event without data is none
                if let Some(data) = self.data.take() {
                    return Some(Event { name, data });
                }
            } else {
                self.field(&line);
            }
        }
        None
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                none => *none = Some(value.to_vec()),
            },
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            // comments, ids and what is to come
            _ => {}
        }
    }

    /// The next whole line. CR, LF and CR LF end one; whether an LF follows a CR at the end of what came
    /// is not known yet, so that line waits.
    fn line(&mut self) -> Option<Vec<u8>> {
        let from = self.looked_at.max(self.read);
        let end = self.unread[from..]
            .iter()
            .position(|byte| matches!(byte, b'\r' | b'\n'));
        let Some(end) = end.map(|end| from + end) else {
            self.looked_at = self.unread.len();
            return None;
        };
        self.looked_at = end;
        let after = match (self.unread[end], self.unread.get(end + 1)) {
            (b'\r', None) => return None,
            (b'\r', Some(b'\n')) => end + 2,
            _ => end + 1,
        };
        let line = self.unread[self.read..end].to_vec();
        self.read = after;
        self.looked_at = after;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    fn event(name: &str, data: &str) -> Event {
        Event {
            name: name.to_owned(),
            data: data.as_bytes().to_vec(),
        }
    }

    fn all(pieces: &[&[u8]]) -> Vec<Event> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(piece);
            events.extend(std::iter::from_fn(|| parser.next()));
        }
        events
    }

    #[test]
    fn events_are_read_as_they_are_written() {
        let check = |text: &str, expect: &[Event]| assert_eq!(all(&[text.as_bytes()]), expect);
        check("data: {\"a\":1}\n\n", &[event("", "{\"a\":1}")]);
        check(": still here\n\n", &[]);
        check("id: 7\ndata: a\ndata: b\n\n", &[event("", "a\nb")]);
        check("event: end\ndata:\n\n", &[event("end", "")]);
        check("event: end\n\ndata:x\n\n", &[event("", "x")]);
        check(
            "data: a\r\n\r\ndata: b\r\n\r\n",
            &[event("", "a"), event("", "b")],
        );
        check("data: not whole\n", &[]);
        check("data\n\n", &[event("", "")]);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_come(
            texts in prop::collection::vec("[a-z: ]{0,12}", 1..6),
            cut in 1_usize..7,
            ending in prop::sample::select(vec!["\n", "\r\n"]),
        ) {
            let mut stream = String::new();
            for text in &texts {
                write!(stream, "event: x{ending}data: {text}{ending}{ending}").unwrap();
            }
            let pieces: Vec<&[u8]> = stream.as_bytes().chunks(cut).collect();
            let expect: Vec<Event> = texts.iter().map(|text| event("x", text)).collect();
            prop_assert_eq!(all(&pieces), expect);
        }

        #[test]
        fn any_bytes_are_read_or_left(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            all(&pieces);
        }
    }
}
