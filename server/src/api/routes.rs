//! The table of paths, methods and handlers, and the answers without a handler:
//! 404, 405 with `Allow`, `OPTIONS`, and redirects from unclean paths, as in
//! Prometheus.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::answer::{Answer, respond};
use super::body::BodyError;
use super::call::{Call, Result};
use super::error::{ApiError, ErrorType};
use super::plain::{plain, text};
use super::request::{Unparsed, Wanted, unescape};
use super::service::Api;
use super::task::{self, CancelSlot};
use super::{
    compress, cors, cost_estimate, explain, feature_list, labels, query, remote_read, rules,
    search, status, stores, texts,
};
use crate::source::Source;
use crate::target::Target;
use crate::tenancy::ClientCertificate;
use crate::trace::Trace;

type Handler = fn(Call) -> BoxFuture<'static, Result>;

/// An endpoint under `/api/v1`.
struct Route {
    /// With the prefix; `:name` stands for any text without a slash.
    path: &'static str,
    methods: Methods,
    handler: Handler,
}

macro_rules! routes {
    ($($path:literal $methods:ident $handler:path,)*) => {
        &[$(Route {
            path: concat!("/api/v1", $path),
            methods: Methods::$methods,
            handler: |call| Box::pin($handler(call)),
        },)*]
    };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Methods {
    Get,
    GetPost,
    /// As `Get` and `GetPost`, never compressed.
    GetPlain,
    GetPostPlain,
    /// As `GetPost`, with the feature `query-cost`.
    CostGetPost,
    /// POST alone of a body that is no form, to programs alone; never compressed.
    PostBody,
}

impl Methods {
    /// The value of `Allow`.
    fn allowed(self) -> &'static str {
        match self {
            Methods::Get | Methods::GetPlain => "GET, OPTIONS",
            Methods::GetPost | Methods::GetPostPlain | Methods::CostGetPost => "GET, OPTIONS, POST",
            Methods::PostBody => "OPTIONS, POST",
        }
    }

    fn allow(self, method: &Method) -> bool {
        match *method {
            Method::GET => self != Methods::PostBody,
            Method::POST => !matches!(self, Methods::Get | Methods::GetPlain),
            _ => false,
        }
    }
}

static ROUTES: &[Route] = routes! {
    "/query" GetPost query::instant,
    "/query_range" GetPost query::range,
    "/query_explain" GetPost explain::instant,
    "/query_range_explain" GetPost explain::range,
    "/query_cost" CostGetPost cost_estimate::instant,
    "/query_range_cost" CostGetPost cost_estimate::range,
    "/query_exemplars" GetPost rules::exemplars,
    "/format_query" GetPost texts::format,
    "/parse_query" GetPost texts::parse_tree,
    "/series" GetPost labels::series,
    "/labels" GetPost labels::names,
    "/label/:name/values" Get labels::values,
    "/search/metric_names" GetPostPlain search::metric_names,
    "/search/label_names" GetPostPlain search::label_names,
    "/search/label_values" GetPostPlain search::label_values,
    "/stores" Get stores::list,
    "/metadata" Get rules::metadata,
    "/rules" Get rules::rules,
    "/alerts" Get rules::alerts,
    "/targets" Get rules::targets,
    "/alertmanagers" Get rules::alertmanagers,
    "/features" Get feature_list::list,
    "/status/buildinfo" Get status::build,
    "/status/runtimeinfo" Get status::runtime,
    "/status/flags" Get status::flags,
    "/status/config" Get status::config,
    "/status/tsdb" Get status::tsdb,
    "/status/walreplay" GetPlain status::wal_replay,
    "/scrape_pools" Get rules::scrape_pools,
    "/targets/metadata" Get rules::target_metadata,
    "/notifications" GetPlain rules::notifications,
    "/read" PostBody remote_read::read,
};

/// Paths outside of the API, all for GET.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Page {
    Index,
    Version,
    Metrics,
    Healthy,
    Ready,
}

static PAGES: [(&str, Page); 5] = [
    ("/", Page::Index),
    ("/version", Page::Version),
    ("/metrics", Page::Metrics),
    ("/-/healthy", Page::Healthy),
    ("/-/ready", Page::Ready),
];

const API: &str = "/api/v1/";

/// Answers a request.
pub(super) async fn dispatch(
    State(api): State<Arc<Api>>,
    request: axum::http::Request<Body>,
) -> Response {
    let target = Target::of(request.uri(), request.extensions());
    if target.path() == b"*" {
        return of_server(request.method());
    }
    let Ok(path) = unescape(target.path(), false) else {
        return closing(text(StatusCode::BAD_REQUEST, "400 Bad Request"));
    };
    if let Some(clean) = clean_path(&path) {
        return redirect(&clean, target.query());
    }
    if path.starts_with(API.as_bytes()) {
        call(api, request, &path).await
    } else {
        page(&api, &request, &path)
    }
}

/// The answer to a request for `*`, as by Go's `net/http`.
fn of_server(method: &Method) -> Response {
    let mut response = Response::new(Body::empty());
    if method == Method::OPTIONS {
        return response;
    }
    *response.status_mut() = StatusCode::BAD_REQUEST;
    closing(response)
}

fn closing(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

async fn call(api: Arc<Api>, request: axum::http::Request<Body>, path: &[u8]) -> Response {
    let method = request.method();
    if method == Method::OPTIONS {
        let timer = api.metrics.request("/api/v1/*path");
        if api.source().is_none() {
            return finished(timer, unavailable(&api));
        }
        let response = respond(Answer::NoContent).await;
        return finished(timer, decorate(&api, request.headers(), response));
    }
    let found = ROUTES
        .iter()
        .filter(|route| api.options.query_cost || route.methods != Methods::CostGetPost)
        .find_map(|route| Some((route, matches(route.path, path)?)));
    let Some((route, name)) = found else {
        return not_found();
    };
    if !route.methods.allow(method) {
        return not_allowed(route.methods.allowed());
    }
    let timer = api.metrics.request(route.path);
    let Some(source) = api.source() else {
        return finished(timer, unavailable(&api));
    };
    let (parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let method = match parts.method {
        Method::GET => "GET",
        _ => "POST",
    };
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let trace = api.options.tracer.request(method, route.path, header);
    let certificate = parts.extensions.get::<ClientCertificate>().cloned();
    let (most, budget) = (api.options.read_timeout, Arc::clone(&api.options.bodies));
    let wanted = match route.methods {
        Methods::PostBody => Wanted::Bytes(remote_read::MAX_BODY),
        _ => Wanted::Form,
    };
    let response = match Unparsed::receive(parts, body, name, wanted, most, budget).await {
        Ok(unparsed) => {
            let cancel = CancelSlot::default();
            let work = Work {
                api: Arc::clone(&api),
                source,
                route,
                headers,
                cancel: cancel.clone(),
                certificate,
                trace: trace.clone(),
            };
            let response = task::run(&api.options.runtime, cancel, work.answer(unparsed)).await;
            response.unwrap_or_else(|| unavailable(&api))
        }
        Err(error) => with_cors(&api, &headers, refused(&error)),
    };
    let status = response.status();
    let is_error = status.is_server_error();
    trace.answered(
        "http.response.status_code",
        status.as_u16().into(),
        is_error,
    );
    finished(timer, response)
}

/// What runs on the API's runtime.
struct Work {
    api: Arc<Api>,
    source: Arc<dyn Source>,
    route: &'static Route,
    headers: HeaderMap,
    cancel: CancelSlot,
    certificate: Option<ClientCertificate>,
    trace: Trace,
}

impl Work {
    async fn answer(self, unparsed: Unparsed) -> Response {
        let request = match unparsed.parse() {
            Ok(request) => request,
            Err(error) => return decorate(&self.api, &self.headers, refused(&error)),
        };
        let call = Call {
            api: Arc::clone(&self.api),
            source: self.source,
            request,
            cancel: self.cancel,
            certificate: self.certificate,
            trace: self.trace,
        };
        let response = match caught(self.route, call).await {
            Ok(answer) => respond(answer).await,
            Err(error) => error.into_response(),
        };
        match self.route.methods {
            Methods::PostBody => response,
            Methods::GetPlain | Methods::GetPostPlain => {
                with_cors(&self.api, &self.headers, response)
            }
            Methods::Get | Methods::GetPost | Methods::CostGetPost => {
                decorate(&self.api, &self.headers, response)
            }
        }
    }
}

/// The answer to a request whose body was not read to its end. The connection
/// closes, as the rest of the body would stand before the next request.
fn refused(error: &BodyError) -> Response {
    closing(match error {
        BodyError::Late => plain(StatusCode::REQUEST_TIMEOUT, "408 Request Timeout"),
        _ => ApiError::overloaded(error.to_string()).into_response(),
    })
}

/// Runs a handler; a panic becomes an error of this request.
async fn caught(route: &Route, call: Call) -> Result {
    let outcome = AssertUnwindSafe((route.handler)(call)).catch_unwind().await;
    outcome.unwrap_or_else(|_| {
        tracing::error!(path = route.path, "A handler panicked");
        Err(ApiError::new(ErrorType::Internal, "internal error"))
    })
}

fn finished(timer: crate::metrics::RequestTimer, response: Response) -> Response {
    timer.finish(response.status().as_u16());
    response
}

fn with_cors(api: &Api, headers: &HeaderMap, mut response: Response) -> Response {
    let origin = headers.get(header::ORIGIN);
    cors::set(response.headers_mut(), &api.options.cors_origin, origin);
    response
}

fn decorate(api: &Api, headers: &HeaderMap, response: Response) -> Response {
    compress::apply(headers, with_cors(api, headers, response))
}

/// The part of the path for `:name`, if the path matches the pattern.
fn matches(pattern: &str, path: &[u8]) -> Option<Vec<u8>> {
    let Some((before, after)) = pattern.split_once(":name") else {
        return (pattern.as_bytes() == path).then(Vec::new);
    };
    let name = path
        .strip_prefix(before.as_bytes())?
        .strip_suffix(after.as_bytes())?;
    (!name.is_empty() && !name.contains(&b'/')).then(|| name.to_vec())
}

fn page(api: &Arc<Api>, request: &axum::http::Request<Body>, path: &[u8]) -> Response {
    let Some(&(handler, page)) = PAGES.iter().find(|(page, _)| page.as_bytes() == path) else {
        return not_found();
    };
    let with_head = matches!(page, Page::Healthy | Page::Ready);
    let allowed = if with_head {
        "GET, HEAD, OPTIONS"
    } else {
        "GET, OPTIONS"
    };
    match *request.method() {
        Method::GET => {}
        Method::HEAD if with_head => {}
        Method::OPTIONS => {
            let mut response = Response::new(Body::empty());
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static(allowed));
            return response;
        }
        _ => return not_allowed(allowed),
    }
    let timer = api.metrics.request(handler);
    let response = match page {
        Page::Index => text(StatusCode::OK, index()),
        Page::Version => status::version(),
        // Not compressed: that is no work for a thread that serves HTTP.
        Page::Metrics => status::metrics(api),
        Page::Ready if api.source().is_none() => unavailable(api),
        Page::Healthy => text(StatusCode::OK, "Prometheus Server is Healthy.\n"),
        Page::Ready => text(StatusCode::OK, "Prometheus Server is Ready.\n"),
    };
    finished(timer, response)
}

/// A list of the endpoints, for browsers.
fn index() -> String {
    let pages = PAGES
        .iter()
        .map(|(path, _)| *path)
        .filter(|path| *path != "/");
    let paths = ROUTES.iter().map(|route| route.path).chain(pages);
    let mut out = format!(
        "quarrel {}: the Prometheus HTTP API\n\n",
        env!("CARGO_PKG_VERSION")
    );
    for path in paths {
        out.push_str(path);
        out.push('\n');
    }
    out
}

fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "404 page not found")
}

fn not_allowed(allowed: &'static str) -> Response {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

fn unavailable(api: &Api) -> Response {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
    let stopping = HeaderValue::from_static(if api.is_stopping() { "true" } else { "false" });
    response
        .headers_mut()
        .insert("x-prometheus-stopping", stopping);
    response
}

/// The path without empty, `.` and `..` parts, and `/api/v1` with a slash at
/// its end; `None` if the path is clean already.
fn clean_path(path: &[u8]) -> Option<Vec<u8>> {
    if path == API.trim_end_matches('/').as_bytes() {
        return Some(API.as_bytes().to_vec());
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut clean = Vec::with_capacity(path.len());
    for part in parts {
        clean.push(b'/');
        clean.extend_from_slice(part);
    }
    if path.ends_with(b"/") || clean.is_empty() {
        clean.push(b'/');
    }
    (clean != path).then_some(clean)
}

fn redirect(path: &[u8], query: Option<&[u8]>) -> Response {
    let mut location = Vec::new();
    for &byte in path {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => location.push(byte),
            b'-' | b'_' | b'.' | b'~' | b'$' | b'&' | b'+' | b'/' | b':' | b'=' | b'@' => {
                location.push(byte);
            }
            _ => location.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    if let Some(query) = query {
        location.push(b'?');
        location.extend_from_slice(query);
    }
    let mut body = b"<a href=\"".to_vec();
    for &byte in &location {
        match byte {
            b'&' => body.extend_from_slice(b"&amp;"),
            b'"' => body.extend_from_slice(b"&#34;"),
            b'\'' => body.extend_from_slice(b"&#39;"),
            b'<' => body.extend_from_slice(b"&lt;"),
            b'>' => body.extend_from_slice(b"&gt;"),
            _ => body.push(byte),
        }
    }
    body.extend_from_slice(b"\">Temporary Redirect</a>.\n\n");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    let ascii = |byte: u8| match byte {
        0x80.. => format!("%{byte:x}"),
        _ => char::from(byte).to_string(),
    };
    let location: String = location.into_iter().map(ascii).collect();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_part_of_the_path() {
        let pattern = "/api/v1/label/:name/values";
        assert_eq!(
            matches(pattern, b"/api/v1/label/a b/values"),
            Some(b"a b".to_vec())
        );
        assert_eq!(matches(pattern, b"/api/v1/label/a/b/values"), None);
        assert_eq!(matches(pattern, b"/api/v1/label//values"), None);
        assert_eq!(matches(pattern, b"/api/v1/label/values"), None);
        assert_eq!(matches("/api/v1/query", b"/api/v1/query"), Some(vec![]));
        assert_eq!(matches("/api/v1/query", b"/api/v1/query/"), None);
    }

    #[test]
    fn paths_are_cleaned() {
        for (path, want) in [
            ("/api//v1/query", Some("/api/v1/query")),
            ("/a/./b/../c", Some("/a/c")),
            ("/..", Some("/")),
            ("/a/", None),
            ("/", None),
            ("/api/v1", Some("/api/v1/")),
            ("//", Some("/")),
            ("", Some("/")),
        ] {
            let clean = clean_path(path.as_bytes()).map(|clean| String::from_utf8(clean).unwrap());
            assert_eq!(clean.as_deref(), want, "{path}");
        }
    }
}
