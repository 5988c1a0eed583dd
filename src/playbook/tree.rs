//! A YAML file as a tree that knows where each of its parts stands.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use serde_saphyr::Spanned;

/// From 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub line: u64,
    pub column: u64,
}

impl Place {
    pub fn of(location: serde_saphyr::Location) -> Place {
        Place { line: location.line(), column: location.column() }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub place: Place,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Scalar(Json),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A field of a map; a key that is there twice has two.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    pub value: Node,
}

impl Node {
    pub fn read(text: &str) -> Result<Node, serde_saphyr::Error> {
        let mut options = serde_saphyr::Options::default();
        options.duplicate_keys = serde_saphyr::options::DuplicateKeyPolicy::LastWins;
        // A key may be called `n` or `on`: only true and false are flags.
        options.strict_booleans = true;
        serde_saphyr::from_str_with_options(text, options)
    }

    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The items of a list that is a field; none when it is something else.
    pub fn list(&self, key: &str) -> &[Node] {
        self.get(key).map_or(&[], Node::items)
    }

    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(Json::String(text)) => Some(text),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<i64> {
        match &self.content {
            Content::Scalar(Json::Number(number)) => number.as_i64(),
            _ => None,
        }
    }

    pub fn is_flag(&self) -> bool {
        matches!(&self.content, Content::Scalar(Json::Bool(_)))
    }

    /// A field's text and its node.
    pub fn text_of(&self, key: &str) -> Option<(&str, &Node)> {
        let node = self.get(key)?;
        Some((node.text()?, node))
    }

    /// Follows a JSON pointer as far as it leads.
    pub fn at(&self, pointer: &str) -> &Node {
        let mut node = self;
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = step.parse().ok().and_then(|at: usize| node.items().get(at)).or_else(|| node.get(&step));
            let Some(next) = next else { break };
            node = next;
        }
        node
    }

    pub fn json(&self) -> Json {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => items.iter().map(Node::json).collect(),
            Content::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// Keys that are there again, in this map and all below it.
    pub fn repeated_keys(&self) -> Vec<&Entry> {
        let entries = self.entries();
        let again = |at: &usize| entries[..*at].iter().any(|before| before.key == entries[*at].key);
        let here = (0..entries.len()).filter(again).map(|at| &entries[at]);
        let below = entries.iter().map(|entry| &entry.value).chain(self.items()).flat_map(Node::repeated_keys);
        here.chain(below).collect()
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        let read = Spanned::<Content>::deserialize(deserializer)?;
        Ok(Node { place: Place::of(read.referenced), content: read.value })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Content, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        out.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Content, E> {
        Ok(Content::Scalar(Json::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Content, E> {
        Ok(Content::Scalar(Json::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Content::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let place = Place::of(key.referenced);
            entries.push(Entry { key: key.value, place, value: access.next_value()? });
        }
        Ok(Content::Map(entries))
    }
}
