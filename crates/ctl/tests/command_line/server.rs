//! What is special about asking a server: the token, the way to it, and what happens when it is away.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Done, Running, Site, done, id, upkeepctl};

/// `upkeepctl` of somebody who has nothing but what is given here.
struct Somebody<'a> {
    site: &'a Site,
    settings: Vec<(&'a str, String)>,
}

impl<'a> Somebody<'a> {
    fn at(site: &'a Site) -> Self {
        let mut somebody = Self {
            site,
            settings: Vec::new(),
        };
        somebody.set("UPKEEP_SERVER", site.address());
        somebody
    }

    fn set(&mut self, name: &'a str, value: impl Into<String>) -> &mut Self {
        self.settings.push((name, value.into()));
        self
    }

    fn ctl(&self, arguments: &[&str]) -> Done {
        let mut command = self.command();
        command.args(arguments);
        let done = done(command);
        let token = token(self.site, "api-token");
        assert!(!format!("{done:?}").contains(&token), "{done:?}");
        done
    }

    fn command(&self) -> Command {
        let mut command = self.site.installed(upkeepctl());
        command
            .env("UPKEEP_HOME", self.site.path().join("nowhere"))
            .env_remove("UPKEEP_DATABASE_URL")
            .envs(self.settings.iter().map(|(name, value)| (*name, value)));
        command
    }

    fn refused(&self, arguments: &[&str], code: i32, error: &str) -> String {
        let done = self.ctl(&[arguments, &["--json"]].concat());
        assert_eq!(done.code, Some(code), "{arguments:?}: {done:?}");
        assert_eq!(done.out, "", "{done:?}");
        let said: Value = serde_json::from_str(done.err.lines().last().unwrap()).unwrap();
        assert_eq!(said["code"], error, "{said}");
        said.to_string()
    }
}

fn token(site: &Site, name: &str) -> String {
    let text = std::fs::read_to_string(site.home().join(name)).unwrap();
    text.trim().to_owned()
}

#[test]
fn a_token_comes_from_a_file_or_a_variable_and_says_what_one_may() {
    let site = Site::sqlite();
    let _server = site.serve(&[]);
    // none at all: the server says so, and what to do is said for this command line
    let nobody = Somebody::at(&site);
    let said = nobody.refused(&["tasks", "list"], 1, "unauthorized");
    assert!(said.contains("--token-file"), "{said}");
    let mut wrong = Somebody::at(&site);
    wrong.set("UPKEEP_TOKEN", "wrong");
    wrong.refused(&["tasks", "list"], 1, "unauthorized");
    let mut odd = Somebody::at(&site);
    odd.set("UPKEEP_TOKEN", "two words");
    odd.refused(&["tasks", "list"], 1, "failed");

    // of this very machine's installation it is found
    let mut own = site.installed(upkeepctl());
    own.env("UPKEEP_SERVER", site.address())
        .args(["tasks", "list"]);
    assert_eq!(done(own).code, Some(0));
    let mut with_variable = Somebody::at(&site);
    with_variable.set("UPKEEP_TOKEN", token(&site, "api-token"));
    let asked = with_variable.ctl(&["trigger", "health-check", "--quiet"]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    let task = id(&asked.out);

    // a file goes over the variable, and the option over both
    let read_only = site
        .home()
        .join("api-token-read-only")
        .display()
        .to_string();
    let mut reader = Somebody::at(&site);
    reader
        .set("UPKEEP_TOKEN", "wrong")
        .set("UPKEEP_TOKEN_FILE", read_only.clone());
    assert!(reader.ctl(&["tasks", "list"]).out.contains(&task));
    reader.refused(&["trigger", "health-check"], 1, "forbidden");
    reader.refused(&["tasks", "cancel", &task], 1, "forbidden");
    let mut given = Somebody::at(&site);
    given.set("UPKEEP_TOKEN_FILE", "/nowhere/token");
    given.refused(&["tasks", "list"], 1, "failed");
    let listed = given.ctl(&["tasks", "list", "--token-file", &read_only]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert_eq!(site.json(&["tasks", "list", "--state", "queued"]).len(), 1);
}

#[test]
fn what_the_server_refuses_ends_as_it_does_without_one() {
    let site = Site::served();
    for (arguments, code, error) in [
        (
            &[
                "trigger",
                "cleanup-temp-files",
                "--param",
                "max_age_hours=-1",
            ][..],
            2,
            "invalid_parameters",
        ),
        (
            &[
                "trigger",
                "cleanup-temp-files",
                "--param",
                "locations=[\"nope\"]",
            ],
            2,
            "invalid_parameters",
        ),
        (&["trigger", "make-coffee"], 2, "usage"),
        (&["tasks", "show", "ffffffff"], 1, "not_found"),
        (
            &["tasks", "log", "../../workers", "--follow"],
            1,
            "not_found",
        ),
        (
            &["trigger", "cleanup-runs", "--plans-of", ".."],
            1,
            "not_found",
        ),
        (
            &["trigger", "health-check", "--all-hosts"],
            1,
            "no_live_host",
        ),
    ] {
        let done = site.ctl(&[arguments, &["--json"]].concat());
        assert_eq!(done.code, Some(code), "{arguments:?}: {done:?}");
        let said: Value = serde_json::from_str(done.err.lines().last().unwrap()).unwrap();
        assert_eq!(said["code"], error, "{arguments:?}: {said}");
        assert!(!said["message"].as_str().unwrap().is_empty(), "{said}");
    }
    assert_eq!(
        site.json(&["tasks", "list"]).len(),
        0,
        "nothing was asked for"
    );
}

#[test]
fn a_report_of_a_server_says_how_many_rows_it_has_and_overwrites_nothing() {
    let site = Site::served();
    site.ok(&["trigger", "health-check"]);
    let target = site.path().join("report.json");
    std::fs::write(&target, "precious").unwrap();
    let written = site.json(&["export", "tasks", "--output", "report.json"]);
    assert_eq!(
        (&written[0]["renamed"], &written[0]["rows"]),
        (&true.into(), &1.into()),
        "{written:?}"
    );
    let path = written[0]["path"].as_str().unwrap();
    assert!(path.ends_with("/report-2.json"), "{path}");
    let report = std::fs::read(path).unwrap();
    assert_eq!(written[0]["bytes"], report.len());
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["count"], 1);
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    for (subject, format) in [
        ("statistics", "openmetrics"),
        ("health", "html"),
        ("tasks", "csv"),
    ] {
        let line = site.ok(&["export", subject, "--format", format]);
        assert!(line.contains(&format!("/upkeep-{subject}-")), "{line}");
    }
}

fn port(address: &str) -> &str {
    address.trim_end_matches('/').rsplit_once(':').unwrap().1
}

#[test]
fn who_waits_goes_on_waiting_while_the_server_is_away() {
    let site = Site::sqlite();
    let server = site.serve(&[]);
    let address = site.address();
    let mut somebody = Somebody::at(&site);
    somebody.set("UPKEEP_TOKEN", token(&site, "api-token"));
    let mut command = somebody.command();
    command.args(["trigger", "health-check", "--wait"]);
    let waiting = Running::start(command, site.path());
    waiting.until("waiting: nobody is there to do it");
    server.signal(Signal::KILL);
    server.end();
    waiting.until("trying again until it is back");
    // whoever asks now is told
    let said = somebody.refused(&["tasks", "list"], 1, "server_unreachable");
    assert!(said.contains("upkeepctl serve"), "{said}");
    std::fs::remove_file(site.home().join("api-address")).unwrap();
    let _again = site.serve_at(port(&address), &[]);
    let _worker = site.worker(&[]);
    let done = waiting.end();
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(
        done.out.starts_with("succeeded health-check on "),
        "{done:?}"
    );
    let begun = done.err.matches("attempt 1 of 3 begins").count();
    assert_eq!(begun, 1, "each line once: {done:?}");
}

fn openssl(folder: &Path, script: &str) {
    let mut command = Command::new("bash");
    command.args(["-euc", script]).current_dir(folder);
    let done = done(command);
    assert_eq!(done.code, Some(0), "{done:?}");
}

#[test]
fn a_server_with_a_certificate_is_asked_only_when_its_authority_is_trusted() {
    let site = Site::sqlite();
    openssl(
        site.path(),
        "for name in ca other; do
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \\
                -subj /CN=$name -keyout $name.key -out $name.pem 2>/dev/null
        done
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \\
            -keyout server.key -out server.csr 2>/dev/null
        echo 'subjectAltName=DNS:localhost' > names
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \\
            -extfile names -out server.pem 2>/dev/null",
    );
    let _server = site.serve(&["--tls-cert", "server.pem", "--tls-key", "server.key"]);
    let address = format!("https://localhost:{}", port(&site.address()));
    let mut somebody = Somebody::at(&site);
    somebody
        .set("UPKEEP_TOKEN", token(&site, "api-token"))
        .set("UPKEEP_SERVER", address.clone());
    let said = somebody.refused(&["tasks", "list"], 1, "server_unreachable");
    assert!(
        said.contains("certificate") && said.contains("--tls-ca"),
        "{said}"
    );
    let said = somebody.refused(
        &["tasks", "list", "--tls-ca", "other.pem"],
        1,
        "server_unreachable",
    );
    assert!(said.contains("certificate"), "{said}");
    let trusted = ["tasks", "list", "--tls-ca", "ca.pem"];
    assert_eq!(somebody.ctl(&trusted).code, Some(0));
    // the authority is right, the name is another's
    somebody.set("UPKEEP_SERVER", address.replace("localhost", "127.0.0.1"));
    somebody.refused(&trusted, 1, "server_unreachable");
    somebody.refused(&["tasks", "list", "--tls-ca", "names"], 1, "failed");
    // and nobody is asked in the clear by mistake
    somebody.set("UPKEEP_SERVER", "http://upkeep.example");
    somebody.refused(&["tasks", "list"], 2, "usage");
}
