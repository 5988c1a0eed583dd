//! A small tree of an XML file, each element with its line.

use super::{Fault, Place};
use crate::lang::Message;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

/// Files of plans are shallow; deeper ones are not read.
const DEPTH_MAX: usize = 32;

#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    pub line: usize,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    pub fn all<'e>(&'e self, name: &'static str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub fn one(&self, name: &'static str) -> Option<&Element> {
        self.all(name).next()
    }

    /// What a child says; an empty one says nothing.
    pub fn text_of(&self, name: &'static str) -> Option<&str> {
        self.one(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    pub fn place(&self) -> Place {
        Place::Line(self.line)
    }
}

/// The root element of a file in UTF-8 or UTF-16.
pub fn parse(bytes: &[u8]) -> Result<Element, Fault> {
    let (text, _, _) = encoding_rs::UTF_8.decode(bytes);
    let mut reader = Reader::from_str(&text);
    let mut open: Vec<Element> = vec![Element::default()];
    let (mut line, mut counted) = (1, 0);
    loop {
        let event = reader.read_event();
        let begun = line;
        let position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(text.len());
        line += text.as_bytes()[counted..position].iter().filter(|byte| **byte == b'\n').count();
        counted = position;
        let wrong = || Fault::new(Place::Line(begun), Message::new("这不是完整的 XML 文件"));
        match event.map_err(|_| wrong())? {
            Event::Start(tag) if open.len() > DEPTH_MAX => {
                let name = tag.local_name().as_ref().to_owned();
                return Err(Fault::new(Place::Line(begun), Message::new("“%{name}”嵌套过深").with("name", name)));
            }
            Event::Start(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                open.push(Element { name, line: begun, ..Element::default() });
            }
            Event::Empty(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                let empty = Element { name, line: begun, ..Element::default() };
                open.last_mut().ok_or_else(wrong)?.children.push(empty);
            }
            Event::End(_) => {
                let done = open.pop().ok_or_else(wrong)?;
                open.last_mut().ok_or_else(wrong)?.children.push(done);
            }
            Event::Text(part) => open.last_mut().ok_or_else(wrong)?.text.push_str(&part.xml10_content()),
            Event::CData(part) => open.last_mut().ok_or_else(wrong)?.text.push_str(&part.xml10_content()),
            Event::GeneralRef(part) => open.last_mut().ok_or_else(wrong)?.text.push(referred(&part).ok_or_else(wrong)?),
            Event::Eof => break,
            _ => {}
        }
    }
    let whole = || Fault::new(Place::Line(line), Message::new("这不是完整的 XML 文件"));
    let root = open.pop().filter(|_| open.is_empty()).ok_or_else(whole)?;
    root.children.into_iter().next().ok_or_else(whole)
}

fn referred(part: &BytesRef) -> Option<char> {
    if let Ok(Some(character)) = part.resolve_char_ref() {
        return Some(character);
    }
    match part.xml10_content().as_ref() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}
