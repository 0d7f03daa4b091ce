//! Tokens, links and sessions.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use upkeep_api::{Rights, SecretError, ServeError, Server, TokenFile};
use upkeep_console::Installation;

use crate::support::{Answer, Site, options};

/// The path and query of a link.
fn path_of(link: &str) -> &str {
    let (_, rest) = link.split_once("://").unwrap();
    &rest[rest.find('/').unwrap()..]
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie_of(answer: &Answer) -> String {
    let set = answer.header("set-cookie").unwrap();
    set.split(';').next().unwrap().to_owned()
}

async fn signed_in(site: &Site, link: &str) -> String {
    let answer = site.ask("GET", path_of(link), &[], "").await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.header("location"), Some("/"));
    cookie_of(&answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_a_browser_in_once() {
    let site = Site::new().await;
    let ahead = site.ask("HEAD", path_of(&site.link), &[], "").await;
    assert_eq!(ahead.status, 204, "looking ahead does not use it up");
    let answer = site.ask("GET", path_of(&site.link), &[], "").await;
    let set = answer.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(set.contains(part), "{set}");
    }
    let again = site.ask("GET", path_of(&site.link), &[], "").await;
    assert_eq!(again.status, 401);
    assert!(again.header("set-cookie").is_none());
    let cookie = cookie_of(&answer);
    let session = site
        .ask("GET", "/api/session", &[("cookie", &cookie)], "")
        .await;
    let session = session.expect(200);
    assert_eq!(
        (&session["signed_in"], &session["read_only"]),
        (&json!(true), &json!(false))
    );
    let who = session["requester"].as_str().unwrap();
    assert!(who.ends_with("(browser)"), "{who}");
    let browser = [("cookie", cookie.as_str()), ("x-upkeep-request", "browser")];
    let path = "/api/system/maintenance/health-check";
    site.ask("POST", path, &browser, "").await.expect(202);
    site.ask("POST", "/api/sign-out", &browser, "")
        .await
        .expect(204);
    let after = site
        .ask("GET", "/api/overview", &[("cookie", &cookie)], "")
        .await;
    assert_eq!(after.fault(), (401, "unauthorized".to_owned()));
    let session = site
        .ask("GET", "/api/session", &[("cookie", &cookie)], "")
        .await;
    assert_eq!(session.expect(200)["signed_in"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_come_with_one_link_one_is_let_in() {
    let site = Site::new().await;
    let path = path_of(&site.link);
    let asked = (0..8).map(|_| site.ask("GET", path, &[], ""));
    let answers = futures::future::join_all(asked).await;
    let let_in = answers.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(let_in, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_gives_the_rights_of_the_token_it_was_made_with() {
    let site = Site::new().await;
    let token = format!("Bearer {}", site.read_only_token);
    let made = site
        .ask(
            "POST",
            "/api/sign-in-links",
            &[("authorization", &token)],
            "",
        )
        .await
        .expect(200);
    let cookie = signed_in(&site, made["url"].as_str().unwrap()).await;
    let browser = [("cookie", cookie.as_str()), ("x-upkeep-request", "browser")];
    site.ask("GET", "/api/overview", &browser, "")
        .await
        .expect(200);
    let denied = site.ask("POST", "/api/tasks", &browser, "").await;
    assert_eq!(denied.fault(), (403, "forbidden".to_owned()));
    let folders = site.ask("GET", "/api/folders", &browser, "").await;
    assert_eq!(folders.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_look_may_not_change() {
    let site = Site::new().await;
    let token = format!("Bearer {}", site.read_only_token);
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "application/json"),
    ];
    site.ask("GET", "/api/tasks", &headers[..1], "")
        .await
        .expect(200);
    for (method, path) in [
        ("POST", "/api/tasks"),
        ("POST", "/api/system/maintenance/cleanup-runs"),
        ("POST", "/api/tasks/cancel"),
        ("PUT", "/api/settings"),
        ("POST", "/api/embedded-worker/start"),
        ("POST", "/api/workers/forget"),
    ] {
        let answer = site.ask(method, path, &headers, "{}").await;
        assert_eq!(answer.fault(), (403, "forbidden".to_owned()), "{path}");
    }
    let tasks = site.get("/api/tasks").await.expect(200);
    assert_eq!(tasks["tasks"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_for_their_owner_alone_and_stay() {
    let mut site = Site::new().await;
    let folders = site.folders();
    let files = [
        TokenFile::of(&folders, Rights::Full),
        TokenFile::of(&folders, Rights::ReadOnly),
    ];
    for file in &files {
        let mode = std::fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_ne!(site.token, site.read_only_token);
    assert_eq!(site.token.len(), 43);
    site.stop().await;
    let installation = Installation {
        database_url: folders.database_url(None),
        folders,
    };
    let again = Server::listen(installation.clone(), &options())
        .await
        .unwrap();
    let text = std::fs::read_to_string(files[0].path()).unwrap();
    assert_eq!(text.trim(), site.token, "the next start keeps it");
    drop(again);
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(files[0].path(), open).unwrap();
    let refused = Server::listen(installation.clone(), &options()).await;
    assert!(
        matches!(
            refused,
            Err(ServeError::Secret(SecretError::Exposed { .. }))
        ),
        "{refused:?}"
    );
    let closed = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(files[0].path(), closed).unwrap();
    std::fs::write(files[0].path(), "short").unwrap();
    let refused = Server::listen(installation, &options()).await;
    assert!(
        matches!(
            refused,
            Err(ServeError::Secret(SecretError::NoToken { .. }))
        ),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_not_served_in_the_clear() {
    let folder = upkeep_testkit::folder_in_memory();
    let folders = upkeep_config::Folders::at(&folder.path().join("home"));
    let installation = Installation {
        database_url: folders.database_url(None),
        folders,
    };
    let mut options = options();
    options.listen = "0.0.0.0:0".parse().unwrap();
    let refused = Server::listen(installation.clone(), &options).await;
    assert!(matches!(refused, Err(ServeError::Plain(_))), "{refused:?}");
    options.behind_proxy = true;
    options.allowed_hosts = vec!["upkeep.example".to_owned()];
    let server = Server::listen(installation.clone(), &options)
        .await
        .unwrap();
    assert_eq!(server.address(), "https://upkeep.example");
    options.allowed_hosts = vec!["no name".to_owned()];
    let refused = Server::listen(installation, &options).await;
    assert!(
        matches!(refused, Err(ServeError::HostName(_))),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_audited_and_holds_no_secret() {
    let site = Site::new().await;
    let wrong = "Bearer not-the-token-but-somebody-s-secret-0123456789";
    let denied = site
        .ask("GET", "/api/tasks", &[("authorization", wrong)], "")
        .await;
    assert_eq!(denied.fault(), (401, "unauthorized".to_owned()));
    let mut entries = Value::Null;
    for _ in 0..200 {
        entries = site.get("/api/audit?what=deny").await.expect(200)["entries"].clone();
        if entries
            .as_array()
            .is_some_and(|entries| !entries.is_empty())
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let entry = &entries[0];
    assert_eq!(entry["parameters"]["peer"], "127.0.0.1");
    assert_eq!(entry["parameters"]["status"], 401);
    assert!(!entries.to_string().contains("somebody-s-secret"));
}
