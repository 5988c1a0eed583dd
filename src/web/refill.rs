//! Puts what was typed, and what was wrong with it, into a page's HTML.

use super::fields::Fields;
use crate::lang::Lang;
use actix_web::http::StatusCode;
use lol_html::html_content::{ContentType, Element};
use lol_html::{
    ElementContentHandlers, HandlerResult, RewriteStrSettings, Selector, element, end_tag, rewrite_str, text,
};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Write;
use std::rc::Rc;

/// A form that was not taken.
pub struct Refused {
    pub lang: Lang,
    pub status: StatusCode,
    /// Where it was sent: the form's `action`.
    pub action: String,
    /// The page it stood on.
    pub page: String,
    /// One sentence for people.
    pub message: String,
    /// Field and reason.
    pub faults: Vec<(String, String)>,
    pub fields: Fields,
}

impl Refused {
    fn fault(&self, field: &str) -> Option<&str> {
        self.faults.iter().find(|(name, _)| name == field).map(|(_, reason)| reason.as_str())
    }
}

/// What is known of the form before the page is written anew.
#[derive(Default)]
struct Found {
    is_there: bool,
    /// The folded parts around it, counted from the page's top.
    folds: Vec<usize>,
    /// What each field is called.
    labels: HashMap<String, String>,
}

/// The page with the form filled in; `None` when it is no page of ours.
pub fn refill(html: &str, refused: &Refused) -> Option<String> {
    let found = look(html, refused).ok()?;
    write(html, refused, &found).ok()
}

fn is_the_form(form: &Element, refused: &Refused) -> bool {
    form.get_attribute("action").is_some_and(|action| action.replace("&#38;", "&") == refused.action)
}

fn look(html: &str, refused: &Refused) -> Result<Found, lol_html::errors::RewritingError> {
    let found = Rc::new(RefCell::new(Found::default()));
    let (inside, label) = (Rc::new(Cell::new(false)), Rc::new(RefCell::new(String::new())));
    let folds: Rc<RefCell<(usize, Vec<usize>)>> = Rc::default();
    let handlers = vec![
        element!("details", |el| {
            let mut open = folds.borrow_mut();
            let number = open.0;
            open.0 += 1;
            open.1.push(number);
            let folds = folds.clone();
            el.on_end_tag(end_tag!(move |_| {
                folds.borrow_mut().1.pop();
                Ok(())
            }))
        }),
        element!("form", |el| {
            if is_the_form(el, refused) {
                let mut found = found.borrow_mut();
                found.is_there = true;
                found.folds = folds.borrow().1.clone();
                inside.set(true);
                leave_at_its_end(el, &inside)?;
            }
            Ok(())
        }),
        element!("label", |_| {
            label.borrow_mut().clear();
            Ok(())
        }),
        text!("label", |chunk| {
            label.borrow_mut().push_str(chunk.as_str());
            Ok(())
        }),
        element!("input[name], select[name], textarea[name]", |el| {
            if let (true, Some(name)) = (inside.get(), el.get_attribute("name")) {
                found.borrow_mut().labels.insert(name, label.borrow().trim().to_owned());
            }
            Ok(())
        }),
    ];
    rewrite_str(html, settings(handlers))?;
    Ok(found.take())
}

type Handler<'h> = (Cow<'h, Selector>, ElementContentHandlers<'h>);

fn settings<'h>(handlers: Vec<Handler<'h>>) -> RewriteStrSettings<'h, 'h> {
    handlers.into_iter().fold(RewriteStrSettings::new(), RewriteStrSettings::append_element_content_handler)
}

fn leave_at_its_end(form: &mut Element, inside: &Rc<Cell<bool>>) -> HandlerResult {
    let inside = inside.clone();
    form.on_end_tag(end_tag!(move |_| {
        inside.set(false);
        Ok(())
    }))
}

fn write(html: &str, refused: &Refused, found: &Found) -> Result<String, lol_html::errors::RewritingError> {
    let (inside, folds) = (Rc::new(Cell::new(false)), Cell::new(0));
    let chosen = RefCell::new(Vec::new());
    let handlers = vec![
        element!("main", |el| {
            el.set_attribute("data-at", &escaped(&refused.page))?;
            el.prepend(&summary(refused, found), ContentType::Html);
            Ok(())
        }),
        element!("details", |el| {
            if found.folds.contains(&folds.get()) {
                el.set_attribute("open", "")?;
            }
            folds.set(folds.get() + 1);
            Ok(())
        }),
        element!("form", |el| {
            if is_the_form(el, refused) {
                inside.set(true);
                leave_at_its_end(el, &inside)?;
            }
            Ok(())
        }),
        element!("input[name], textarea[name], select[name]", |el| {
            if let (true, Some(name)) = (inside.get(), el.get_attribute("name")) {
                chosen.replace(refused.fields.all(&name));
                fill(el, &name, refused)?;
            }
            Ok(())
        }),
        element!("option", |el| {
            if inside.get() {
                let value = el.get_attribute("value").unwrap_or_default();
                let values = chosen.borrow();
                mark(el, "selected", values.contains(&value) || (values.is_empty() && value.is_empty()))?;
            }
            Ok(())
        }),
    ];
    rewrite_str(html, settings(handlers))
}

fn fill(field: &mut Element, name: &str, refused: &Refused) -> HandlerResult {
    let typed = refused.fields.text(name);
    let kind = field.get_attribute("type").unwrap_or_default();
    match (field.tag_name().as_str(), kind.as_str()) {
        (_, "hidden" | "password" | "file") => {}
        (_, "checkbox" | "radio") => {
            let value = field.get_attribute("value").unwrap_or_default();
            mark(field, "checked", refused.fields.all(name).contains(&value))?;
        }
        ("input", _) => field.set_attribute("value", &escaped(&typed))?,
        ("textarea", _) => field.set_inner_content(&typed, ContentType::Text),
        _ => {}
    }
    if let Some(reason) = refused.fault(name).filter(|_| kind != "hidden") {
        let id = format!("fault-{}", escaped(name));
        field.set_attribute("aria-invalid", "true")?;
        field.set_attribute("aria-describedby", &id)?;
        field.after(&format!("<span class=\"fault\" id=\"{id}\">{}</span>", escaped(reason)), ContentType::Html);
    }
    Ok(())
}

fn mark(el: &mut Element, attribute: &str, on: bool) -> HandlerResult {
    if on {
        el.set_attribute(attribute, "")?;
    } else {
        el.remove_attribute(attribute);
    }
    Ok(())
}

/// What was wrong, on top of the page; and what was typed, where its form is gone.
fn summary(refused: &Refused, found: &Found) -> String {
    let lang = refused.lang;
    let mut html = format!(
        "<section class=\"faults\" role=\"alert\" tabindex=\"-1\" autofocus><b>{}</b>",
        escaped(&lang.t("没有保存，请改正后再提交。"))
    );
    if refused.faults.is_empty() {
        let _ = write!(html, "<p>{}</p>", escaped(&refused.message));
    } else {
        html.push_str("<ul>");
        for (field, reason) in &refused.faults {
            let label = found.labels.get(field).filter(|label| !label.is_empty()).unwrap_or(field);
            let colon = if lang == Lang::Zh { "：" } else { ": " };
            let said = escaped(&format!("{label}{colon}{reason}"));
            let _ = match found.labels.contains_key(field) {
                true => write!(html, "<li><a href=\"#fault-{}\">{said}</a></li>", escaped(field)),
                false => write!(html, "<li>{said}</li>"),
            };
        }
        html.push_str("</ul>");
    }
    if !found.is_there {
        let _ = write!(html, "<p>{}</p>", escaped(&lang.t("您刚才填写的内容：")));
        for text in refused.fields.written() {
            let _ = write!(html, "<blockquote>{}</blockquote>", escaped(text));
        }
    }
    html.push_str("</section>");
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
