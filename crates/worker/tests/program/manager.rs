//! A service manager's end of `sd_notify`: a datagram socket that hears what the program says.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::home::LONGEST;

pub(crate) struct Manager {
    folder: TempDir,
    socket: UnixDatagram,
}

impl Manager {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(LONGEST)).unwrap();
        Self { folder, socket }
    }

    /// Lets the command know where it is heard.
    pub(crate) fn watch(&self, command: &mut Command) {
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
    }

    /// The assignments of the next message.
    pub(crate) fn next(&self) -> Vec<String> {
        let mut bytes = [0; 8192];
        let length = self.socket.recv(&mut bytes).unwrap();
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The first message from now on that holds this assignment.
    pub(crate) fn wait_for(&self, assignment: &str) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let message = self.next();
            if message.iter().any(|it| it == assignment) {
                return message;
            }
            assert!(begun.elapsed() < LONGEST, "{assignment} never came");
        }
    }

    /// Everything that was said since the last look, and what comes until nothing does for a moment.
    pub(crate) fn rest(&self) -> Vec<String> {
        self.socket
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let mut said = Vec::new();
        let mut bytes = [0; 8192];
        while let Ok(length) = self.socket.recv(&mut bytes) {
            let text = std::str::from_utf8(&bytes[..length]).unwrap();
            said.extend(text.lines().map(str::to_owned));
        }
        said
    }
}
