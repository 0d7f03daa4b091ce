//! What Windows answers, in the words that cleaning knows.

use std::io;

/// An answer of the system, called as Unix calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(
    clippy::upper_case_acronyms,
    reason = "the same code names the answers of Unix"
)]
#[cfg_attr(
    not(windows),
    expect(dead_code, reason = "elsewhere only the table is tested")
)]
pub(crate) enum Errno {
    #[error("there is no such file or folder")]
    NOENT,
    #[error("it is a link")]
    LOOP,
    #[error("it is not a folder")]
    NOTDIR,
    #[error("it is on another volume")]
    XDEV,
    #[error("access is denied")]
    ACCESS,
    #[error("the operation is not permitted")]
    PERM,
    #[error("the volume is read-only")]
    ROFS,
    #[error("a program uses it")]
    BUSY,
    #[error("it was moved or replaced")]
    STALE,
    #[error("its name or path is too long")]
    NAMETOOLONG,
    #[error("the device failed")]
    IO,
    #[error("too many open files")]
    MFILE,
    #[error("the system has no room for more")]
    NFILE,
    #[error("the folder is not empty")]
    NOTEMPTY,
    #[error("something of that name is there already")]
    EXIST,
    #[error("its name means something else to Windows")]
    INVAL,
    #[error("it is not open")]
    BADF,
    /// Another one, with the system's number.
    #[error("{}", io::Error::from_raw_os_error(*.0))]
    Other(i32),
}

impl Errno {
    /// What an error of the standard library says.
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(code) => Self::of_code(code),
            // cap-std's own answer to a path that leads out of a folder
            None if error.kind() == io::ErrorKind::PermissionDenied => Self::XDEV,
            None if error.kind() == io::ErrorKind::NotADirectory => Self::NOTDIR,
            None => Self::IO,
        }
    }

    /// By the system's number (`winerror.h`).
    fn of_code(code: i32) -> Self {
        match code {
            // file, path; bad network path and name
            2 | 3 | 53 | 67 => Self::NOENT,
            4 => Self::MFILE,
            5 => Self::ACCESS,
            6 => Self::BADF,
            // write protected
            19 => Self::ROFS,
            // seek, sector, write, read, general, device I/O, checksum, corrupt file or file system
            23 | 25 | 27 | 29 | 30 | 31 | 1117 | 1392 | 1393 => Self::IO,
            // sharing, lock, busy, mapped by a program, being deleted
            32 | 33 | 170 | 303 | 1224 => Self::BUSY,
            80 | 183 => Self::EXIST,
            87 | 123 | 161 => Self::INVAL,
            145 => Self::NOTEMPTY,
            206 | 111 => Self::NAMETOOLONG,
            267 => Self::NOTDIR,
            // stopped on a link; a reparse point that cannot be followed
            681 | 1921 | 4390 | 4394 => Self::LOOP,
            // system resources
            1450 => Self::NFILE,
            // a privilege is missing
            1314 => Self::PERM,
            other => Self::Other(other),
        }
    }
}

impl From<Errno> for io::Error {
    fn from(error: Errno) -> Self {
        let kind = match error {
            Errno::NOENT => io::ErrorKind::NotFound,
            Errno::ACCESS | Errno::PERM => io::ErrorKind::PermissionDenied,
            Errno::NOTDIR => io::ErrorKind::NotADirectory,
            Errno::EXIST => io::ErrorKind::AlreadyExists,
            Errno::Other(code) => return Self::from_raw_os_error(code),
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_from_what_is_refused() {
        let check = |code: i32, expect: Errno, kind: io::ErrorKind| {
            assert_eq!(Errno::of_code(code), expect);
            assert_eq!(io::Error::from(expect).kind(), kind);
        };
        check(2, Errno::NOENT, io::ErrorKind::NotFound);
        check(3, Errno::NOENT, io::ErrorKind::NotFound);
        check(5, Errno::ACCESS, io::ErrorKind::PermissionDenied);
        check(32, Errno::BUSY, io::ErrorKind::Other);
        check(145, Errno::NOTEMPTY, io::ErrorKind::Other);
        check(267, Errno::NOTDIR, io::ErrorKind::NotADirectory);
        assert_eq!(Errno::of_code(9999), Errno::Other(9999));
    }

    #[test]
    fn an_answer_of_cap_std_itself_is_a_way_out() {
        let way_out = io::Error::new(io::ErrorKind::PermissionDenied, "a path led outside");
        assert_eq!(Errno::of(&way_out), Errno::XDEV);
    }
}
