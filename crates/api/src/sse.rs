//! Server-sent events: one JSON value a message, a sign of life in between, a clear end.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::Stream;
use futures::stream::{BoxStream, StreamExt, unfold};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::App;
use crate::call::Caller;
use crate::problem::{Problem, Reply};

/// Between two signs of life: proxies and browsers drop what is silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One message of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Message(String);

impl Message {
    /// A value, on the one line that its JSON has.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        Self::named(None, None, value)
    }

    /// A value with the place that a broken stream goes on after.
    pub(crate) fn numbered(id: &str, value: &impl Serialize) -> Self {
        Self::named(Some(id), None, value)
    }

    /// What went wrong on the stream.
    pub(crate) fn error(problem: &Problem) -> Self {
        Self::named(None, Some("error"), &problem.reply)
    }

    /// Nothing follows: the client need not come back.
    pub(crate) fn end() -> Self {
        Self::named(None, Some("end"), &serde_json::Value::Null)
    }

    fn named(id: Option<&str>, event: Option<&str>, value: &impl Serialize) -> Self {
        let data = match serde_json::to_string(value) {
            Ok(data) => data,
            Err(error) => {
                let problem = Problem::defect(format!("cannot write the message: {error}"));
                return Self::error(&problem);
            }
        };
        let mut text = String::with_capacity(data.len() + 40);
        for (field, value) in [("id", id), ("event", event), ("data", Some(data.as_str()))] {
            if let Some(value) = value {
                text.push_str(field);
                text.push_str(": ");
                text.push_str(value);
                text.push('\n');
            }
        }
        text.push('\n');
        Self(text)
    }
}

struct Open {
    messages: BoxStream<'static, Message>,
    app: App,
    caller: Caller,
    _place: OwnedSemaphorePermit,
}

/// Answers with a stream. It ends with its messages, with the caller's right to hear them, or with the server.
pub(crate) fn answer(
    app: &App,
    caller: &Caller,
    messages: impl Stream<Item = Message> + Send + 'static,
) -> Reply<Response> {
    let place = std::sync::Arc::clone(&app.streams)
        .try_acquire_owned()
        .map_err(|_| Problem::too_many("too many streams are open at once", 5))?;
    let open = Open {
        messages: messages.boxed(),
        app: app.clone(),
        caller: caller.clone(),
        _place: place,
    };
    let bytes = unfold(open, |mut open| async move {
        let stopping = open.app.stopping.clone();
        let text = tokio::select! {
            message = open.messages.next() => message?.0,
            () = tokio::time::sleep(HEARTBEAT) => ": still here\n\n".to_owned(),
            () = stopping.cancelled() => return None,
        };
        // who signed out, or whose session ran out, hears no more
        open.caller
            .still_may(&open.app)
            .then(|| (Ok::<_, std::convert::Infallible>(Bytes::from(text)), open))
    });
    let mut response = Body::from_stream(bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    // proxies that gather answers would keep the messages to themselves
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}
