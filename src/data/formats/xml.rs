//! XML of annotation tools, element by element, with the lines they stand in. Document types are refused, and no entity but
//! the five of XML is resolved, so that a file can neither reach other files nor grow.

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// What comes next in a document.
pub(super) enum Node<'t> {
    Open(Element<'t>),
    Close(String),
    End,
}

/// An element that opens.
pub(super) struct Element<'t> {
    start: BytesStart<'t>,
    /// The line where it opens, from 1.
    pub(super) line: u32,
}

/// A document that is read from its start to its end.
pub(super) struct Xml<'t> {
    text: &'t str,
    reader: Reader<&'t [u8]>,
    /// Bytes read, and the line they end in.
    at: usize,
    line: u32,
    open: usize,
}

impl Element<'_> {
    pub(super) fn name(&self) -> String {
        String::from_utf8_lossy(self.start.name().as_ref()).into_owned()
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.start.name().as_ref() == name.as_bytes()
    }

    /// The value of an attribute.
    ///
    /// # Errors
    /// Attributes that are no XML, and entities that XML does not have, with the line.
    pub(super) fn attribute(&self, name: &str) -> Result<Option<String>, String> {
        for attribute in self.start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|e| fault(self.line, &e.to_string()))?;
            if attribute.key.as_ref() == name.as_bytes() {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                return Ok(Some(value.map_err(|e| fault(self.line, &e.to_string()))?.into_owned()));
            }
        }
        Ok(None)
    }
}

fn fault(line: u32, why: &str) -> String {
    format!("line {line}: it is no sound XML ({why}); export it again")
}

fn document_type(line: u32) -> String {
    format!("line {line}: it declares a document type (DOCTYPE), and such files are not read; export it again without")
}

/// Lines that end between two places of a text.
fn lines_of(text: &[u8], from: usize, to: usize) -> u32 {
    let part = text.get(from..to).unwrap_or_default();
    let next = part.iter().skip(1).map(Some).chain(std::iter::once(text.get(to)));
    let ends = part.iter().zip(next).filter(|(c, n)| **c == b'\n' || (**c == b'\r' && *n != Some(&b'\n')));
    u32::try_from(ends.count()).unwrap_or(u32::MAX)
}

impl<'t> Xml<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        // A text that was cut off ends in its last line, not in the one below.
        let text = text.trim_end();
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { text, reader, at: 0, line: 1, open: 0 }
    }

    /// Lines that end between the bytes read so far and `to`.
    fn lines_to(&self, to: usize) -> u32 {
        lines_of(self.text.as_bytes(), self.at, to)
    }

    /// The next event and the line where it starts.
    fn event(&mut self) -> Result<(Event<'t>, u32), String> {
        let line = self.line;
        match self.reader.read_event() {
            Ok(event) => {
                let to = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).min(self.text.len());
                self.line = self.line.saturating_add(self.lines_to(to));
                self.at = to;
                Ok((event, line))
            }
            Err(error) => {
                let at = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX).min(self.text.len());
                let line = self.line.saturating_add(self.lines_to(at));
                let begins = self.text.as_bytes().get(at..).unwrap_or_default();
                let declares = begins.get(..9).is_some_and(|b| b.eq_ignore_ascii_case(b"<!doctype"));
                Err(match (declares, error) {
                    (true, _) => document_type(line),
                    (false, quick_xml::Error::Syntax(_)) => self.too_early(),
                    (false, error) => fault(line, &error.to_string()),
                })
            }
        }
    }

    fn too_early(&self) -> String {
        let line = lines_of(self.text.as_bytes(), 0, self.text.trim_end().len()).saturating_add(1);
        format!("line {line}: it ends too early, in the middle of an element; export or copy it again")
    }

    /// The next element that opens or closes.
    ///
    /// # Errors
    /// What is no XML, ends too early, or declares a document type, with the line.
    pub(super) fn next(&mut self) -> Result<Node<'t>, String> {
        loop {
            let (event, line) = self.event()?;
            match event {
                Event::Start(start) | Event::Empty(start) => {
                    self.open += 1;
                    return Ok(Node::Open(Element { start, line }));
                }
                Event::End(end) => {
                    self.open = self.open.saturating_sub(1);
                    return Ok(Node::Close(String::from_utf8_lossy(end.name().as_ref()).into_owned()));
                }
                Event::DocType(_) => return Err(document_type(line)),
                Event::Eof if self.open > 0 => return Err(self.too_early()),
                Event::Eof => return Ok(Node::End),
                _ => {}
            }
        }
    }

    /// The text of the element that opened last, to where it closes; elements in it are passed over.
    ///
    /// # Errors
    /// As [`Xml::next`], and entities that XML does not have.
    pub(super) fn text(&mut self) -> Result<String, String> {
        let (mut out, mut depth) = (String::new(), 1_usize);
        while depth > 0 {
            let (event, line) = self.event()?;
            match event {
                Event::Start(_) | Event::Empty(_) => depth += 1,
                Event::End(_) => depth -= 1,
                Event::Text(text) if depth == 1 => out.push_str(&String::from_utf8_lossy(&text)),
                Event::CData(text) if depth == 1 => out.push_str(&String::from_utf8_lossy(&text)),
                Event::GeneralRef(name) if depth == 1 => out.push(character(&name, line)?),
                Event::DocType(_) => return Err(document_type(line)),
                Event::Eof => return Err(self.too_early()),
                _ => {}
            }
        }
        self.open = self.open.saturating_sub(1);
        Ok(out)
    }
}

/// The character that a reference stands for.
fn character(name: &BytesRef<'_>, line: u32) -> Result<char, String> {
    let bytes: &[u8] = name;
    let known = match bytes {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => name.resolve_char_ref().map_err(|e| fault(line, &e.to_string()))?,
    };
    known.ok_or_else(|| fault(line, &format!("'&{};' is no entity of XML", String::from_utf8_lossy(name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of elements with their lines, or the fault.
    fn names(text: &str) -> Result<Vec<(String, u32)>, String> {
        let (mut xml, mut out) = (Xml::new(text), Vec::new());
        loop {
            match xml.next()? {
                Node::Open(element) => out.push((element.name(), element.line)),
                Node::Close(_) => {}
                Node::End => return Ok(out),
            }
        }
    }

    #[test]
    fn elements_have_the_lines_of_the_file() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "<?xml version=\"1.0\"?>$<a>$ <b x='1'$ y='2'/>$<!-- $ --><c>1$2</c>$</a>".replace('$', end);
            let truth = [("a", 2), ("b", 3), ("c", 6)].map(|(n, l)| (n.to_owned(), l));
            assert_eq!(names(&text).unwrap(), truth, "{end:?}");
        }
    }

    #[test]
    fn texts_and_attributes_resolve_the_five_entities_and_no_other() {
        let mut xml = Xml::new("<a x='1 &lt; 2'>&amp;<b>no</b><![CDATA[<]]> &#233;\n</a>");
        let Ok(Node::Open(a)) = xml.next() else { panic!("no element") };
        assert_eq!((a.attribute("x").unwrap().as_deref(), a.attribute("y").unwrap()), (Some("1 < 2"), None));
        assert_eq!(xml.text().unwrap(), "&< \u{e9}\n");
        let mut xml = Xml::new("<a>\n&leak;</a>");
        assert!(xml.next().is_ok());
        assert!(xml.text().unwrap_err().starts_with("line 2: "));
        let mut xml = Xml::new("<a x='&leak;'/>");
        let Ok(Node::Open(a)) = xml.next() else { panic!("no element") };
        assert!(a.attribute("x").unwrap_err().starts_with("line 1: "));
    }

    #[test]
    fn what_is_no_xml_is_refused_with_its_line() {
        for (text, line, word) in [
            ("<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>\n<a/>", 2, "DOCTYPE"),
            ("<!DOCTYPE a [", 1, "DOCTYPE"),
            ("<a>\n<b>\n</b>\n", 3, "too early"),
            ("<a>\n<b x=\"1", 2, "too early"),
            ("<a>\n</b>\n", 2, "no sound XML"),
        ] {
            let error = names(text).unwrap_err();
            assert!(error.starts_with(&format!("line {line}: ")) && error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn deep_nesting_is_no_trouble() {
        let text = "<a>".repeat(200_000) + &"</a>".repeat(200_000);
        assert_eq!(names(&text).unwrap().len(), 200_000);
    }
}
