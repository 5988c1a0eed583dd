//! What the log holds of a request: its path, without what somebody asked for and without a secret that stands in it.

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use std::borrow::Cow;
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{DefaultRootSpanBuilder, RequestId, RootSpanBuilder};

/// Addresses whose rest is a secret that opens something without signing in.
const SECRET: [&str; 2] = ["/m/", "/feeds/"];

pub struct RequestLog;

impl RootSpanBuilder for RequestLog {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let connection = request.connection_info().clone();
        let request_id = request.extensions().get::<RequestId>().map(|id| id.to_string());
        tracing::info_span!(
            "HTTP request",
            http.method = %request.method(),
            http.target = %shown(request.path()),
            http.client_ip = connection.realip_remote_addr(),
            request_id,
            http.status_code = Empty,
            otel.status_code = Empty,
            exception.message = Empty,
            exception.details = Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, actix_web::Error>) {
        DefaultRootSpanBuilder::on_request_end(span, outcome);
    }
}

fn shown(path: &str) -> Cow<'_, str> {
    let secret = SECRET.iter().find(|prefix| path.starts_with(**prefix));
    secret.map_or(Cow::Borrowed(path), |prefix| format!("{prefix}***").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::format::FmtSpan;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(address: &str) -> String {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_span_events(FmtSpan::NEW)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            RequestLog::on_request_start(&TestRequest::get().uri(address).to_srv_request());
        });
        String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn no_secret_of_an_address_and_nothing_asked_for_is_logged() {
        for address in ["/m/a1b2c3", "/m/a1b2c3/seen.gif", "/m/digests/p/a1b2c3", "/feeds/a1b2c3.ics"] {
            let line = logged(address);
            assert!(line.contains("***") && !line.contains("a1b2c3"), "{line}");
        }
        let line = logged("/search?q=13900001234");
        assert!(line.contains("/search") && !line.contains("1390000"), "{line}");
    }
}
