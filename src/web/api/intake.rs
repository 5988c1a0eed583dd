//! What is made by the API: tickets (one or a batch) and cases.

use super::{Api, ApiResult};
use crate::app::cases::drafting::{self, NewCase};
use crate::app::{Clock, Error, tickets};
use crate::domain::access::Action;
use crate::domain::case::Grade;
use crate::domain::ticket::NewTicket;
use crate::lang::Message;
use crate::store::house::{self, Answered};
use crate::web::fields::Fields;
use crate::web::routes::{Access, Route};
use actix_web::HttpResponse;
use actix_web::web::Bytes;
use chrono::{DateTime, FixedOffset};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A ticket as it is sent. Times carry their offset.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketIn {
    /// The source system's number; sent again it changes nothing.
    pub source_no: String,
    pub title: String,
    #[serde(default)]
    pub body: String,
    pub received_at: DateTime<FixedOffset>,
    pub due_at: Option<DateTime<FixedOffset>>,
    pub channel: Option<String>,
    pub category: Option<String>,
    pub district: Option<String>,
    pub address: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub caller: Option<String>,
    pub caller_name: Option<String>,
}

impl From<TicketIn> for NewTicket {
    fn from(sent: TicketIn) -> NewTicket {
        NewTicket {
            source_no: sent.source_no,
            title: sent.title,
            body: sent.body,
            received_at: sent.received_at.naive_utc(),
            due_at: sent.due_at.map(|at| at.naive_utc()),
            channel: sent.channel,
            category: sent.category,
            district: sent.district,
            address: sent.address,
            latitude: sent.latitude,
            longitude: sent.longitude,
            caller: sent.caller,
            caller_name: sent.caller_name,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<TicketIn>),
    One(Box<TicketIn>),
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::post("/api/v1/tickets", Access::SignedIn(Action::AddTickets), add_tickets),
        Route::post("/api/v1/cases", Access::SignedIn(Action::OpenCase), open_case),
    ]
}

async fn add_tickets(api: Api, body: Bytes) -> ApiResult {
    let sent: OneOrMany = api.parsed(&body)?;
    let new: Vec<NewTicket> = match sent {
        OneOrMany::Many(many) => many.into_iter().map(NewTicket::from).collect(),
        OneOrMany::One(one) => vec![(*one).into()],
    };
    let request_hash = hex::encode(Sha256::digest(&body));
    let key = api.idempotency_key.clone();
    let answer = api
        .app
        .write(&api.actor, move |ctx| {
            let person = ctx.actor.id().to_owned();
            if let Some(key) = &key
                && let Some(before) = house::answered(&mut ctx.tx, &person, key)?
            {
                if before.request_hash != request_hash {
                    return Err(Error::Refused(Message::new("同一个 Idempotency-Key 不能用于不同的请求。")));
                }
                return Ok(before.response);
            }
            let added = tickets::add(ctx, new)?;
            let response = json!({ "added": added.new, "repeated": added.repeated }).to_string();
            if let Some(key) = key {
                let row = Answered {
                    person_id: person,
                    key,
                    request_hash,
                    status: 201,
                    response: response.clone(),
                    created_at: Clock::real(),
                };
                house::remember_answer(&mut ctx.tx, &row)?;
            }
            Ok(response)
        })
        .await
        .map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Created().content_type("application/json").body(answer))
}

async fn open_case(api: Api, body: Bytes) -> ApiResult {
    let value: Value = api.parsed(&body)?;
    let new = new_case(&Fields::from_json(&value)).map_err(|error| api.failed(error))?;
    let id = api.app.write(&api.actor, move |ctx| drafting::open(ctx, new)).await.map_err(|error| api.failed(error))?;
    Ok(HttpResponse::Created().json(json!({ "id": id })))
}

/// A case as a form or a body drafts it. Roles come as `roles.KEY`, parameters as `parameters.KEY`.
pub fn new_case(fields: &Fields) -> Result<NewCase, Error> {
    Ok(NewCase {
        problem_ids: fields.all("problem_ids"),
        title: fields.text("title"),
        goal: fields.text("goal"),
        grade: fields.code("grade", Grade::parse)?,
        lead_unit_id: fields.text("lead_unit_id"),
        unit_ids: fields.all("unit_ids"),
        deadline: fields.parsed("deadline")?,
        playbook_key: fields.optional("playbook_key"),
        roles: fields.under("roles").collect(),
        parameters: fields.under("parameters").collect(),
        answer: fields.text("answer"),
        rule: None,
    })
}
