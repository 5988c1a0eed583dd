//! A consultation answered from its mail, without signing in. Looking at the page changes nothing.

use super::by_link::Came;
use crate::app::Error;
use crate::app::letters::{self, opinion_links};
use crate::domain::case::Opinion;
use crate::lang::{Lang, Message};
use crate::web::assets;
use crate::web::fields::Fields;
use crate::web::gate::lang_of;
use crate::web::page::{PageError, PageResult};
use crate::web::routes::{Access, Route};
use crate::web::server::State;
use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data, Path};
use askama::Template;

#[derive(Template)]
#[template(path = "opinion.html", config = "src/web/askama.toml")]
struct OpinionPage<'a> {
    lang: Lang,
    city: &'a str,
    version: &'a str,
    token: &'a str,
    asked: opinion_links::OpinionAsked,
    due: String,
    faults: Vec<String>,
    came: &'a Came,
}

impl OpinionPage<'_> {
    fn t<'k>(&self, key: &'k str) -> std::borrow::Cow<'k, str> {
        self.lang.t(key)
    }

    fn value(&self, name: &str) -> String {
        self.came.sent(name)
    }

    fn unit_of_days(&self, task: &crate::store::plans::Task) -> std::borrow::Cow<'static, str> {
        self.lang.t(task.duration_unit.label())
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/m/{token}/opinion", Access::Public, show),
        Route::post("/m/{token}/opinion", Access::Public, reply),
    ]
}

async fn show(req: HttpRequest, state: Data<State>, token: Path<String>) -> PageResult {
    shown(&state, lang_of(&req), &token, Came::Looked).await
}

async fn shown(state: &State, lang: Lang, token: &str, came: Came) -> PageResult {
    let asked = opinion_links::open(&state.app, token).await.map_err(|error| PageError { error, lang })?;
    let page = OpinionPage {
        lang,
        city: &state.app.settings.city,
        version: assets::VERSION.as_str(),
        token,
        due: letters::due_words(asked.asked.due_on, &state.app, lang),
        asked,
        faults: came.faults(lang),
        came: &came,
    };
    came.answer(&page, lang)
}

async fn reply(req: HttpRequest, state: Data<State>, token: Path<String>, body: Bytes) -> PageResult {
    let (lang, fields) = (lang_of(&req), Fields::from_form(&body));
    let opinion = fields.one("opinion").and_then(Opinion::parse);
    let done = match opinion.ok_or_else(|| Error::field("opinion", Message::new("请选择答复"))) {
        Ok(opinion) => {
            opinion_links::reply(&state.app, &token, &fields.text("name"), opinion, fields.text("comment")).await
        }
        Err(error) => Err(error),
    };
    shown(&state, lang, &token, Came::of(done, fields, lang)?).await
}
