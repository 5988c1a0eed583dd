//! Style sheet, script and icon, built into the program.

use super::routes::{Access, Route};
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const COLOURS: &str = include_str!("assets/colours.css");
const DRAWING: &str = include_str!("assets/drawing.css");
const CSS: &str = concat!(
    include_str!("assets/colours.css"),
    include_str!("assets/base.css"),
    include_str!("assets/parts.css"),
    include_str!("assets/plan.css"),
    include_str!("assets/drawing.css")
);
const JS: &str = concat!(include_str!("assets/graph.js"), include_str!("assets/app.js"));
const ICON: &str = include_str!("assets/icon.svg");

/// What the pages put behind an asset's name, so that a new version is fetched anew.
pub static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for text in [CSS, JS, ICON] {
        hasher.update(text.as_bytes());
    }
    hex::encode(&hasher.finalize()[..6])
});

/// The style a drawing carries along as a file of its own: colours as values, for programs that know no variables.
pub static DRAWING_STYLE: LazyLock<String> = LazyLock::new(|| {
    let declared = COLOURS.trim().trim_start_matches(":root{").trim_end_matches('}');
    let colours = declared.split(';').filter_map(|pair| pair.split_once(':'));
    colours.fold(DRAWING.to_owned(), |style, (name, value)| style.replace(&format!("var({name})"), value))
});

pub fn routes() -> Vec<Route> {
    vec![Route::get("/assets/{name}", Access::Public, asset)]
}

async fn asset(name: web::Path<String>) -> HttpResponse {
    let (kind, text) = match name.as_str() {
        "app.css" => (ContentType(actix_web::mime::TEXT_CSS_UTF_8), CSS),
        "app.js" => (ContentType(actix_web::mime::APPLICATION_JAVASCRIPT_UTF_8), JS),
        "icon.svg" => (ContentType(actix_web::mime::IMAGE_SVG), ICON),
        _ => return HttpResponse::NotFound().finish(),
    };
    HttpResponse::Ok()
        .insert_header(kind)
        .insert_header(("cache-control", "public, max-age=31536000, immutable"))
        .body(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawings_own_style_names_every_colour_by_its_value() {
        assert!(DRAWING_STYLE.contains(".edge.critical{stroke:#1d2733"), "{}", *DRAWING_STYLE);
        assert!(!DRAWING_STYLE.contains("var("), "{}", *DRAWING_STYLE);
    }
}
