//! The rows of a long list, each as soon as its last byte is there: an answer is never held whole, however long it is.
//!
//! Input: an answer's bytes, in pieces of any size. Output: the text of each row, and the frame around them, which is the same
//! answer with an empty list. Nothing is understood here but where a row begins and ends; whether it is JSON, its reader says.

use std::ops::ControlFlow;

use super::answer_body::{AnswerBody, Stopped};
use super::call::AnswerSize;

/// Longest row that is read, in bytes: hundreds of times a device in its longest recorded form.
const MAX_ROW: usize = 256 << 10;

/// Longest key that is looked at, in bytes.
const MAX_KEY: usize = 64;

/// A row of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row<'a> {
    /// As it is written.
    Text(&'a [u8]),
    /// Longer than any row should be; it was not kept.
    TooLong,
}

/// Where rows go.
pub(super) trait TakeRow {
    /// Takes the next row.
    fn take(&mut self, row: Row<'_>) -> ControlFlow<()>;
}

/// Reads one answer.
#[derive(Debug)]
pub(super) struct Rows<'a, T> {
    /// The field that holds the list: in `data`, or where there is no such frame, in the answer itself.
    name: &'static str,
    to: &'a mut T,
    frame: Vec<u8>,
    row: Vec<u8>,
    row_is_too_long: bool,
    place: Place,
    /// What encloses the present byte outside of the list, the outermost first; two levels are enough to know the list.
    enclosing: Vec<u8>,
    /// The key that was last read at each of them.
    keys: [Vec<u8>; 2],
    text: Vec<u8>,
    in_text: bool,
    escaped: bool,
}

/// Where the present byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Before,
    /// In the list, so many levels deep in a row.
    Inside(usize),
    Behind,
}

impl<'a, T: TakeRow> Rows<'a, T> {
    /// A reader of the list with this name.
    pub(super) fn new(name: &'static str, to: &'a mut T) -> Self {
        Self {
            name,
            to,
            frame: Vec::new(),
            row: Vec::new(),
            row_is_too_long: false,
            place: Place::Before,
            enclosing: Vec::new(),
            keys: [Vec::new(), Vec::new()],
            text: Vec::new(),
            in_text: false,
            escaped: false,
        }
    }

    fn keep(&mut self, byte: u8) -> Result<(), Stopped> {
        if self.frame.len() as u64 >= AnswerSize::Devices.bytes() {
            return Err(Stopped);
        }
        self.frame.push(byte);
        Ok(())
    }

    fn read_frame(&mut self, byte: u8) -> Result<(), Stopped> {
        self.keep(byte)?;
        if self.passes_text(byte) {
            if self.in_text && self.text.len() < MAX_KEY {
                self.text.push(byte);
            }
            return Ok(());
        }
        match byte {
            b'"' => self.text.clear(),
            b':' => {
                let level = self.enclosing.len().wrapping_sub(1);
                if let Some(key) = self.keys.get_mut(level) {
                    std::mem::swap(key, &mut self.text);
                }
            }
            b'[' if self.is_the_list() => self.place = Place::Inside(0),
            b'{' | b'[' => self.enclosing.push(byte),
            b'}' | b']' => drop(self.enclosing.pop()),
            _ => {}
        }
        Ok(())
    }

    /// Whether the list begins here: the answer itself, its `data`, or the field of that name in one of them.
    fn is_the_list(&self) -> bool {
        let is_named = |level: usize| self.keys[level].eq_ignore_ascii_case(self.name.as_bytes());
        match self.enclosing[..] {
            [] => true,
            [b'{'] => self.keys[0] == b"data" || is_named(0),
            [b'{', b'{'] => self.keys[0] == b"data" && is_named(1),
            _ => false,
        }
    }

    fn read_list(&mut self, byte: u8, depth: usize) -> Result<(), Stopped> {
        if self.passes_text(byte) {
            self.keep_in_row(byte);
            return Ok(());
        }
        match (byte, depth) {
            (b']' | b'}', 0) => {
                if !self.row.is_empty() {
                    self.end_row()?;
                }
                self.place = Place::Behind;
                return self.keep(byte);
            }
            (b',', 0) => return self.end_row(),
            (byte, 0) if byte.is_ascii_whitespace() => return Ok(()),
            (b'{' | b'[', _) => self.place = Place::Inside(depth + 1),
            (b'}' | b']', _) => self.place = Place::Inside(depth - 1),
            _ => {}
        }
        self.keep_in_row(byte);
        Ok(())
    }

    fn keep_in_row(&mut self, byte: u8) {
        if self.row.len() < MAX_ROW {
            self.row.push(byte);
        } else {
            self.row_is_too_long = true;
        }
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        let row = if self.row_is_too_long { Row::TooLong } else { Row::Text(&self.row) };
        let flow = self.to.take(row);
        self.row.clear();
        self.row_is_too_long = false;
        if flow.is_break() { Err(Stopped) } else { Ok(()) }
    }

    /// Whether a byte is part of a text, or ends it: no bracket or comma in it means anything.
    fn passes_text(&mut self, byte: u8) -> bool {
        if !self.in_text {
            self.in_text = byte == b'"';
            return false;
        }
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => self.in_text = false,
            _ => {}
        }
        true
    }
}

impl<T: TakeRow> AnswerBody for Rows<'_, T> {
    fn read(&mut self, piece: &[u8]) -> Result<(), Stopped> {
        for byte in piece {
            match self.place {
                Place::Before => self.read_frame(*byte)?,
                Place::Inside(depth) => self.read_list(*byte, depth)?,
                Place::Behind => self.keep(*byte)?,
            }
        }
        Ok(())
    }

    /// The answer with an empty list.
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Taken {
        rows: Vec<String>,
        at_most: Option<usize>,
    }

    impl TakeRow for Taken {
        fn take(&mut self, row: Row<'_>) -> ControlFlow<()> {
            self.rows.push(match row {
                Row::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Row::TooLong => "too long".to_owned(),
            });
            if self.at_most == Some(self.rows.len()) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }

    fn split(answer: &str, piece: usize) -> (Vec<String>, String) {
        let mut taken = Taken::default();
        let mut rows = Rows::new("computers", &mut taken);
        for bytes in answer.as_bytes().chunks(piece) {
            rows.read(bytes).unwrap();
        }
        let frame = String::from_utf8(AnswerBody::take(&mut rows)).unwrap();
        (taken.rows, frame)
    }

    #[test]
    fn rows_are_found_in_every_frame_and_whatever_the_pieces() {
        for (answer, rows, frame) in [
            (r#"[{"a":1},{"a":2}]"#, vec![r#"{"a":1}"#, r#"{"a":2}"#], "[]"),
            (r#"{"data":[1, "x,]" ,null]}"#, vec!["1", r#""x,]""#, "null"], r#"{"data":[]}"#),
            (
                r#"{"metadata":{"timestamp":"["},"data":{"totalCount":2,"Computers":[ {"b":[{"c":"}"}]} ],"n":[4]}}"#,
                vec![r#"{"b":[{"c":"}"}]}"#],
                r#"{"metadata":{"timestamp":"["},"data":{"totalCount":2,"Computers":[],"n":[4]}}"#,
            ),
            (r#"{"computers":[]}"#, vec![], r#"{"computers":[]}"#),
            (r#"{"computers":[{"a":"\"]"}]}"#, vec![r#"{"a":"\"]"}"#], r#"{"computers":[]}"#),
            // Another list, a list too deep, and a list of a name that only begins like it.
            (r#"{"data":{"servers":[1]}}"#, vec![], r#"{"data":{"servers":[1]}}"#),
            (r#"{"x":{"computers":[1]}}"#, vec![], r#"{"x":{"computers":[1]}}"#),
            (r#"{"data":{"computersX":[1]}}"#, vec![], r#"{"data":{"computersX":[1]}}"#),
            // Cut off in a row: it is never taken for one.
            (r#"{"computers":[{"a":1},{"a":"#, vec![r#"{"a":1}"#], r#"{"computers":["#),
            ("<html>[1]</html>", vec!["1"], "<html>[]</html>"),
            ("[1,,2]", vec!["1", "", "2"], "[]"),
            ("]]}}", vec![], "]]}}"),
            ("", vec![], ""),
        ] {
            for piece in [1, 2, 7, 1000] {
                assert_eq!(
                    split(answer, piece),
                    (rows.iter().map(|row| (*row).to_owned()).collect(), frame.to_owned())
                );
            }
        }
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let long = format!(r#"{{"computers":[{{"name":"{}"}},{{"a":1}}]}}"#, "x".repeat(10 << 20));
        assert_eq!(
            split(&long, 1 << 16),
            (vec!["too long".to_owned(), r#"{"a":1}"#.to_owned()], r#"{"computers":[]}"#.to_owned())
        );
        let mut taken = Taken::default();
        let frame = Rows::new("computers", &mut taken).read(&vec![b' '; (1 << 20) + 1]);
        assert_eq!(frame, Err(Stopped));
    }

    #[test]
    fn whoever_has_enough_gets_no_more() {
        let mut taken = Taken { at_most: Some(2), ..Taken::default() };
        assert_eq!(Rows::new("computers", &mut taken).read(b"[1,2,3,4]"), Err(Stopped));
        assert_eq!(taken.rows, ["1", "2"]);
    }
}
