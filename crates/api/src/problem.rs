//! How an error of the console becomes an answer of HTTP.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use upkeep_console::ConsoleError;
use upkeep_contract::{ErrorCode, ErrorReply};

/// The answer of a handler.
pub(crate) type Reply<T> = Result<T, Problem>;

/// Seconds after which a client that was turned away for lack of room may ask again.
const RETRY_SECONDS: u32 = 1;
/// Seconds after which a database that is away is worth another try.
const DATABASE_RETRY_SECONDS: u32 = 5;

/// Why a request was not met.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) reply: ErrorReply,
    status: StatusCode,
    retry_seconds: Option<u32>,
}

impl Problem {
    pub(crate) fn new(
        code: ErrorCode,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        ErrorReply::new(code, message, hint).into()
    }

    /// What was sent cannot be read at all.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            ..Self::invalid(message)
        }
    }

    /// What was sent is not acceptable.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(
            ErrorCode::InvalidParameters,
            message,
            "/api/openapi.json says what each request takes",
        )
    }

    pub(crate) fn wrong_media_type() -> Self {
        Self {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ..Self::invalid("the body must be JSON, and its content type application/json")
        }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(
            ErrorCode::NotFound,
            message,
            "/api/openapi.json lists what there is",
        )
    }

    pub(crate) fn wrong_method() -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            ..Self::not_found("this path does not take that method")
        }
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(
            ErrorCode::Unauthorized,
            message,
            "send a token as `Authorization: Bearer …`, or sign in with a link of `upkeepctl sign-in-link`",
        )
    }

    pub(crate) fn forbidden(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::Forbidden, message, hint)
    }

    pub(crate) fn too_many(message: impl Into<String>, retry_seconds: u32) -> Self {
        Self {
            retry_seconds: Some(retry_seconds),
            ..Self::new(
                ErrorCode::TooManyRequests,
                message,
                "ask again a little later",
            )
        }
    }

    /// The server has no room for one more request now.
    pub(crate) fn busy() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            ..Self::too_many("the server has too much to do at once", RETRY_SECONDS)
        }
    }

    pub(crate) fn defect(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message, "report this as a defect")
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidParameters => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Conflict | ErrorCode::Refused => StatusCode::CONFLICT,
        ErrorCode::DatabaseUnavailable
        | ErrorCode::DatabaseDamaged
        | ErrorCode::DatabaseReplaced
        | ErrorCode::DatabaseNewer => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::Unreachable => StatusCode::BAD_GATEWAY,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::Timeout => StatusCode::REQUEST_TIMEOUT,
        ErrorCode::InvalidConfiguration | ErrorCode::Io | ErrorCode::Internal => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

impl From<ErrorReply> for Problem {
    fn from(reply: ErrorReply) -> Self {
        let status = status_of(reply.code);
        let retry_seconds = match status {
            StatusCode::SERVICE_UNAVAILABLE => Some(DATABASE_RETRY_SECONDS),
            StatusCode::TOO_MANY_REQUESTS => Some(RETRY_SECONDS),
            _ => None,
        };
        Self {
            reply,
            status,
            retry_seconds,
        }
    }
}

impl From<ConsoleError> for Problem {
    fn from(error: ConsoleError) -> Self {
        ErrorReply::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::warn!(
                status = self.status.as_u16(),
                hint = self.reply.hint,
                "{}",
                self.reply
            );
        }
        let mut response = (self.status, Json(self.reply)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"upkeep\""),
            );
        }
        response
    }
}
