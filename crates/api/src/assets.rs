//! The built UI, held in the program.
//!
//! Rule: what is answered is a file of the list that the build made, looked up by the very text of the
//! request's path. Nothing is decoded, joined or opened.

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// Every file of the UI by its path, sorted.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Files whose names change with their content.
const HASHED: &str = "/assets/";

/// A file of the UI.
pub(crate) fn answer(method: &Method, uri: &Uri) -> Response {
    let path = match uri.path() {
        "/" => "/index.html",
        path => path,
    };
    let Ok(at) = FILES.binary_search_by(|(name, _)| (*name).cmp(path)) else {
        return Problem::not_found("there is nothing at this path").into_response();
    };
    if method != Method::GET && method != Method::HEAD {
        let mut response = Problem::wrong_method().into_response();
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let (name, bytes) = FILES[at];
    let keep = if name.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-store"
    };
    let headers = [
        (header::CONTENT_TYPE, media_type(name)),
        (header::CACHE_CONTROL, keep),
    ];
    (StatusCode::OK, headers, Body::from(bytes)).into_response()
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "map" | "webmanifest") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
