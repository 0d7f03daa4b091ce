//! The table of routes: each is declared once, and its types yield both the route and its part of the
//! `OpenAPI` document.

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use futures::FutureExt;

use crate::answer::Answer;
use crate::app::App;
use crate::call::{Asked, Call, Caller, Sent};
use crate::guard;
use crate::openapi::{Document, Operation};
use crate::problem::{Problem, Reply};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    Open,
    /// Who may look.
    Look,
    /// Who may change something.
    Change,
}

/// The routes so far.
pub(crate) struct Table {
    router: Router<App>,
    document: Document,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            document: Document::new(),
        }
    }

    /// Something to look at.
    pub(crate) fn get<Q, B, T, F, R>(&mut self, path: &str, what: &str, handler: F) -> &mut Self
    where
        Q: Asked,
        B: Sent,
        T: Answer,
        F: Fn(Call<Q, B>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Reply<T>> + Send + 'static,
    {
        self.add(&Method::GET, Access::Look, path, what, handler)
    }

    /// Something to do.
    pub(crate) fn post<Q, B, T, F, R>(&mut self, path: &str, what: &str, handler: F) -> &mut Self
    where
        Q: Asked,
        B: Sent,
        T: Answer,
        F: Fn(Call<Q, B>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Reply<T>> + Send + 'static,
    {
        self.add(&Method::POST, Access::Change, path, what, handler)
    }

    /// Something to set.
    pub(crate) fn put<Q, B, T, F, R>(&mut self, path: &str, what: &str, handler: F) -> &mut Self
    where
        Q: Asked,
        B: Sent,
        T: Answer,
        F: Fn(Call<Q, B>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Reply<T>> + Send + 'static,
    {
        self.add(&Method::PUT, Access::Change, path, what, handler)
    }

    /// Any route.
    pub(crate) fn add<Q, B, T, F, R>(
        &mut self,
        method: &Method,
        access: Access,
        path: &str,
        what: &str,
        handler: F,
    ) -> &mut Self
    where
        Q: Asked,
        B: Sent,
        T: Answer,
        F: Fn(Call<Q, B>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Reply<T>> + Send + 'static,
    {
        self.document.add::<Q, B, T>(&Operation {
            method,
            access,
            path,
            what,
        });
        let filter = match *method {
            Method::GET => MethodFilter::GET,
            Method::PUT => MethodFilter::PUT,
            _ => MethodFilter::POST,
        };
        let answer = move |State(app): State<App>,
                           Extension(caller): Extension<Caller>,
                           request: Request<Body>| {
            let handler = handler.clone();
            async move {
                let answered = async {
                    guard::check_access(&app, &caller, access, &request)?;
                    handler(Call::read(app, caller, request).await?).await
                };
                // a defect of one request is told to who asked, and touches no other
                match AssertUnwindSafe(answered).catch_unwind().await {
                    Ok(Ok(answer)) => answer.into_answer(),
                    Ok(Err(problem)) => problem.into_response(),
                    Err(_) => Problem::defect("answering broke down").into_response(),
                }
            }
        };
        let router = std::mem::take(&mut self.router);
        self.router = router.route(path, on(filter, answer));
        self
    }

    /// All routes, with an answer for what is none, and the document.
    pub(crate) fn finish(self) -> (Router<App>, serde_json::Value) {
        let wrong_method = async || -> Response { Problem::wrong_method().into_response() };
        let router = self.router.method_not_allowed_fallback(wrong_method);
        (router, self.document.finish())
    }
}
