//! The live stream: which cases and things changed, so that a page fetches itself anew.

use super::page::Page;
use super::routes::{Access, Route};
use super::server::State;
use crate::app::App;
use crate::domain::access::Action;
use crate::store::events;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use futures_util::stream;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::broadcast;

/// Changes a slow reader may be behind; beyond it some are missed and the page is fetched all the same.
const BEHIND: usize = 256;
const HEARTBEAT: Duration = Duration::from_secs(20);

/// Tells every open page what changed. Closed first at shutdown: an endless answer would hold it up.
pub struct Live {
    sender: Mutex<Option<broadcast::Sender<String>>>,
}

impl Default for Live {
    fn default() -> Live {
        Live { sender: Mutex::new(Some(broadcast::Sender::new(BEHIND))) }
    }
}

impl Live {
    fn receiver(&self) -> Option<broadcast::Receiver<String>> {
        self.sender.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).as_ref().map(broadcast::Sender::subscribe)
    }

    fn tell(&self, line: String) {
        if let Some(sender) = &*self.sender.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            // Nobody may be listening.
            let _ = sender.send(line);
        }
    }

    pub fn close(&self) {
        self.sender.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
    }

    /// Tells sealed events as they come, until the task is dropped. Ids only: what they mean, the page asks for itself.
    pub async fn follow(&self, app: &App) {
        let mut seen = app.store.read_aside(events::last_sealed).await.unwrap_or(0);
        let mut commits = app.store.commits();
        while commits.changed().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let new = app.store.read_aside(move |tx| events::sealed_after(tx, seen, 500)).await.unwrap_or_default();
            for sealed in &new {
                let ids = [Some(sealed.event.subject_id.as_str()), sealed.event.case_id.as_deref()];
                let ids: Vec<&str> = ids.into_iter().flatten().collect();
                self.tell(format!("id: {}\ndata: {}\n\n", sealed.seq, ids.join(" ")));
            }
            seen = new.last().map_or(seen, |sealed| sealed.seq);
        }
    }
}

pub fn routes() -> Vec<Route> {
    vec![Route::get("/events", Access::SignedIn(Action::OwnAccount), listen)]
}

async fn listen(_page: Page, state: Data<State>) -> HttpResponse {
    let Some(receiver) = state.live.receiver() else { return HttpResponse::ServiceUnavailable().finish() };
    let lines = stream::unfold(receiver, |mut receiver| async move {
        let line = match tokio::time::timeout(HEARTBEAT, receiver.recv()).await {
            Err(_) => ": still here\n\n".to_owned(),
            Ok(Ok(line)) => line,
            Ok(Err(broadcast::error::RecvError::Lagged(_))) => "data: *\n\n".to_owned(),
            Ok(Err(broadcast::error::RecvError::Closed)) => return None,
        };
        Some((Ok::<_, actix_web::Error>(Bytes::from(line)), receiver))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(lines)
}
