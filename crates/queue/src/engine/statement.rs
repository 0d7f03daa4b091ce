//! One statement for both engines: its text with `$1` parameters, and the values bound to them.
//!
//! Only integers, texts and floating-point numbers cross to the database, so that a statement
//! means the same on every engine.

use std::borrow::Cow;

use futures::TryStreamExt;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Either, Executor, FromRow, Postgres, Sqlite};
use upkeep_contract::Timestamp;

use super::transaction::{Connected, Connection};
use crate::QueueError;

/// A value for a parameter.
#[derive(Clone, Debug)]
pub(crate) enum Parameter {
    Integer(Option<i64>),
    Text(Option<String>),
    Real(f64),
}

impl From<i64> for Parameter {
    fn from(value: i64) -> Self {
        Self::Integer(Some(value))
    }
}

impl From<Option<i64>> for Parameter {
    fn from(value: Option<i64>) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Parameter {
    fn from(value: u32) -> Self {
        Self::Integer(Some(i64::from(value)))
    }
}

impl From<i32> for Parameter {
    fn from(value: i32) -> Self {
        Self::Integer(Some(i64::from(value)))
    }
}

impl From<bool> for Parameter {
    fn from(value: bool) -> Self {
        Self::Integer(Some(i64::from(value)))
    }
}

impl From<Timestamp> for Parameter {
    fn from(value: Timestamp) -> Self {
        Self::Integer(Some(value.as_millis()))
    }
}

impl From<Option<Timestamp>> for Parameter {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Integer(value.map(Timestamp::as_millis))
    }
}

impl From<f64> for Parameter {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Parameter {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

impl From<String> for Parameter {
    fn from(value: String) -> Self {
        // PostgreSQL refuses a NUL within a text, SQLite takes it for the text's end here and there
        Self::Text(Some(if value.contains('\0') {
            value.replace('\0', "\u{fffd}")
        } else {
            value
        }))
    }
}

impl From<Option<&str>> for Parameter {
    fn from(value: Option<&str>) -> Self {
        value.map(str::to_owned).into()
    }
}

impl From<Option<String>> for Parameter {
    fn from(value: Option<String>) -> Self {
        value.map_or(Self::Text(None), Self::from)
    }
}

/// What a row can be read into, whichever engine gives it.
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{}

/// A statement with its values. The text is ours: values from outside are always bound.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    text: Cow<'static, str>,
    values: Vec<Parameter>,
}

/// Begins a statement.
pub(crate) fn sql(text: impl Into<Cow<'static, str>>) -> Statement {
    Statement {
        text: text.into(),
        values: Vec::new(),
    }
}

impl Statement {
    /// Binds the next parameter.
    pub(crate) fn bind(mut self, value: impl Into<Parameter>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds text that is ours.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Adds a parameter at this place and binds it.
    pub(crate) fn push_bind(&mut self, value: impl Into<Parameter>) -> &mut Self {
        self.values.push(value.into());
        let number = self.values.len();
        self.push(&format!("${number}"))
    }

    /// Adds `($n, $n+1, …)` and binds the values.
    pub(crate) fn push_list<V: Into<Parameter>>(
        &mut self,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        self.push("(");
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.push_bind(value);
        }
        self.push(")")
    }

    /// Performs it; how many rows it changed.
    pub(crate) async fn execute(self, on: &mut impl Connected) -> Result<u64, QueueError> {
        Ok(match on.connection() {
            Connection::Sqlite(connection, opening) => {
                let mut results = connection.fetch_many(for_sqlite(opening, vec![self]));
                let mut changed = 0;
                // `BEGIN` stands before it and says how many rows were changed before it
                while let Some(result) = results.try_next().await? {
                    if let Either::Left(done) = result {
                        changed = done.rows_affected();
                    }
                }
                changed
            }
            Connection::Postgres(connection) => self
                .for_postgres()
                .execute(connection)
                .await?
                .rows_affected(),
        })
    }

    /// All rows.
    pub(crate) async fn fetch_all<T: Row>(
        self,
        on: &mut impl Connected,
    ) -> Result<Vec<T>, QueueError> {
        Ok(match on.connection() {
            Connection::Sqlite(connection, opening) => for_sqlite(opening, vec![self])
                .fetch_all(connection)
                .await?
                .iter()
                .map(T::from_row)
                .collect::<Result<_, _>>()?,
            Connection::Postgres(connection) => self
                .for_postgres()
                .fetch_all(connection)
                .await?
                .iter()
                .map(T::from_row)
                .collect::<Result<_, _>>()?,
        })
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional<T: Row>(
        self,
        on: &mut impl Connected,
    ) -> Result<Option<T>, QueueError> {
        Ok(match on.connection() {
            Connection::Sqlite(connection, opening) => for_sqlite(opening, vec![self])
                .fetch_optional(connection)
                .await?
                .as_ref()
                .map(T::from_row)
                .transpose()?,
            Connection::Postgres(connection) => self
                .for_postgres()
                .fetch_optional(connection)
                .await?
                .as_ref()
                .map(T::from_row)
                .transpose()?,
        })
    }

    /// The one row.
    pub(crate) async fn fetch_one<T: Row>(self, on: &mut impl Connected) -> Result<T, QueueError> {
        Ok(self
            .fetch_optional(on)
            .await?
            .ok_or(sqlx::Error::RowNotFound)?)
    }

    /// Performs statements in one call and gives the rows of the one that has some.
    pub(super) async fn fetch_in_one_call<T: Row>(
        statements: Vec<Self>,
        connection: &mut SqliteConnection,
        opening: Option<&'static str>,
    ) -> Result<Vec<T>, QueueError> {
        let rows = for_sqlite(opening, statements)
            .fetch_all(connection)
            .await?;
        Ok(rows.iter().map(T::from_row).collect::<Result<_, _>>()?)
    }

    fn for_postgres(self) -> Query<'static, Postgres, PgArguments> {
        self.values.into_iter().fold(
            sqlx::query(AssertSqlSafe(self.text.into_owned())),
            |query, value| match value {
                Parameter::Integer(value) => query.bind(value),
                Parameter::Text(value) => query.bind(value),
                Parameter::Real(value) => query.bind(value),
            },
        )
    }
}

/// One call of several statements: the driver carries them out one after the other, hands each the
/// next of the values, and stops at the first that fails.
fn for_sqlite(
    opening: Option<&'static str>,
    statements: Vec<Statement>,
) -> Query<'static, Sqlite, SqliteArguments> {
    let plain: Option<Vec<String>> = statements
        .iter()
        .map(|statement| without_numbers(&statement.text, statement.values.len()))
        .collect();
    let texts = plain.unwrap_or_else(|| numbered_through(&statements));
    let opening = opening.map_or_else(String::new, |opening| format!("{opening}; "));
    let values = statements.into_iter().flat_map(|one| one.values);
    values.fold(
        sqlx::query(AssertSqlSafe(opening + &texts.join("; "))),
        |query, value| match value {
            Parameter::Integer(value) => query.bind(value),
            Parameter::Text(value) => query.bind(value),
            Parameter::Real(value) => query.bind(value),
        },
    )
}

/// The texts of statements whose values are bound as one list: the numbers of each go on after
/// those of the one before.
fn numbered_through(statements: &[Statement]) -> Vec<String> {
    let mut before = 0;
    let mut texts = Vec::with_capacity(statements.len());
    for statement in statements {
        let mut parts = statement.text.split('$');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            text.push('$');
            match number.parse::<usize>() {
                Ok(number) => text.push_str(&(before + number).to_string()),
                Err(_) => text.push_str(number),
            }
            text.push_str(rest);
        }
        before += statement.values.len();
        texts.push(text);
    }
    texts
}

/// The text with `?` in place of `$1`, `$2` and so on, when these are all its parameters in their order.
///
/// SQLite takes `$1` for a name, and binding goes through the list of names for each parameter: in a
/// statement with hundreds of them that takes longer than the statement's own work.
fn without_numbers(text: &str, parameters: usize) -> Option<String> {
    let mut parts = text.split('$');
    let mut plain = String::with_capacity(text.len());
    plain.push_str(parts.next()?);
    let mut count = 0;
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        count += 1;
        if number.parse() != Ok(count) {
            return None;
        }
        plain.push('?');
        plain.push_str(rest);
    }
    (count == parameters).then_some(plain)
}

/// Rows of parameters for `VALUES`: `($1, $2), ($3, $4)` for two rows of two.
pub(crate) fn rows_of(rows: usize, columns: usize) -> String {
    let mut text = String::new();
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=columns {
            if column > 1 {
                text.push_str(", ");
            }
            text.push('$');
            text.push_str(&(row * columns + column).to_string());
        }
        text.push(')');
    }
    text
}

/// Cuts a list into pieces whose lengths are powers of two, at most 64: a statement's text depends
/// on how many rows it has, and few texts mean that the database prepares each only once.
pub(crate) fn list_of<T>(mut list: &[T]) -> Vec<&[T]> {
    let mut pieces = Vec::new();
    while !list.is_empty() {
        let length = 1 << list.len().ilog2().min(6);
        let (piece, rest) = list.split_at(length);
        pieces.push(piece);
        list = rest;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_number_their_parameters_through() {
        assert_eq!(rows_of(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }

    #[test]
    fn parameters_lose_their_numbers_only_when_their_places_say_the_same() {
        let check = |text: &str, parameters, expect: Option<&str>| {
            assert_eq!(without_numbers(text, parameters).as_deref(), expect);
        };
        check("SELECT 1", 0, Some("SELECT 1"));
        check("a = $1 AND b IN ($2, $3)", 3, Some("a = ? AND b IN (?, ?)"));
        check("$1 IS NULL OR id < $1", 1, None);
        check("a = $2 AND b = $1", 2, None);
        check("a = $1", 2, None);
        check("a = $1 AND b = '$x'", 1, None);
    }

    #[test]
    fn statements_of_one_call_number_their_parameters_through() {
        let texts = numbered_through(&[
            sql("a = $1 AND b = $1").bind(1_i64),
            sql("c = $2 AND d = $1 AND e = '$x'")
                .bind(1_i64)
                .bind(2_i64),
            sql("COMMIT"),
        ]);
        assert_eq!(
            texts,
            [
                "a = $1 AND b = $1",
                "c = $3 AND d = $2 AND e = '$x'",
                "COMMIT"
            ]
        );
    }

    #[test]
    fn a_list_is_cut_into_powers_of_two() {
        let list = [0; 200];
        let check = |length: usize, expect: &[usize]| {
            let lengths: Vec<usize> = list_of(&list[..length]).iter().map(|p| p.len()).collect();
            assert_eq!(lengths, expect);
        };
        check(0, &[]);
        check(1, &[1]);
        check(37, &[32, 4, 1]);
        check(200, &[64, 64, 64, 8]);
    }
}
