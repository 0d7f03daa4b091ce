//! Streams: what changes, one task, this host from second to second.

use futures::stream::{self, Stream, StreamExt, unfold};
use upkeep_console::{Console, ConsoleError, TaskWatch};
use upkeep_contract::event::Change;
use upkeep_contract::live::LiveSample;
use upkeep_contract::settings::FolderAmount;
use upkeep_contract::task::TaskUpdate;
use upkeep_contract::worker::HostVitals;
use upkeep_contract::{ErrorCode, TaskId};

use crate::answer::Events;
use crate::call::Call;
use crate::hub::Place;
use crate::problem::{Problem, Reply};
use crate::sse::{self, Message};
use crate::table::Table;

pub(super) fn routes(table: &mut Table) {
    table
        .get(
            "/api/events",
            "What changed: read again what you show; goes on after Last-Event-ID",
            changes,
        )
        .get(
            "/api/tasks/{id}/events",
            "A task as it changes, until its final state",
            task,
        )
        .get(
            "/api/vitals/events",
            "The vital signs of the server's host",
            vitals,
        )
        .get(
            "/api/live/events",
            "The live dashboard of the server's host",
            live,
        )
        .get(
            "/api/settings/suggestions/{name}/amount/events",
            "What lies in a suggested folder, until it is counted",
            amount,
        );
}

async fn changes(call: Call) -> Reply<Events<Vec<Change>>> {
    let reached = call.header("last-event-id").and_then(Place::parse);
    let subscription = call.app.hub.subscribe(reached);
    let messages = unfold(subscription, |mut subscription| async move {
        let (place, changes) = subscription.next().await?;
        Some((Message::numbered(&place.to_text(), &changes), subscription))
    });
    // the queue is heard once its console is open; while it cannot be, the stream waits for that
    if let Err(problem) = call.app.console().await {
        tracing::debug!("a stream of changes waits: {}", problem.reply);
    }
    Ok(Events::new(sse::answer(&call.app, &call.caller, messages)?))
}

async fn task(call: Call) -> Reply<Events<TaskUpdate>> {
    let id: TaskId = call.at("id");
    let console = call.console().await?;
    let watch = console.watch_task(&id).await?;
    let updates = Updates {
        watch,
        console,
        id,
        last: Last::Open,
    };
    let messages = unfold(Some(updates), |updates| async move {
        let mut updates = updates?;
        if let Some(update) = updates.watch.next().await {
            if update.detail.task.state.is_final() {
                updates.last = Last::Final;
            }
            return Some((Message::of(&update), Some(updates)));
        }
        updates.closing_word().await.map(|word| (word, None))
    });
    Ok(Events::new(sse::answer(&call.app, &call.caller, messages)?))
}

struct Updates {
    watch: TaskWatch,
    console: Console,
    id: TaskId,
    last: Last,
}

/// What the last update told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Open,
    Final,
}

impl Updates {
    /// What is said last: the end of what has ended or is gone, an error while the database is away. Where the
    /// task goes on, a client comes back.
    async fn closing_word(&self) -> Option<Message> {
        if self.last == Last::Final {
            return Some(Message::end());
        }
        let error: ConsoleError = self.console.task(&self.id).await.err()?;
        let problem = Problem::from(error);
        if problem.reply.code == ErrorCode::NotFound {
            return Some(Message::end());
        }
        Some(Message::error(&problem))
    }
}

async fn vitals(call: Call) -> Reply<Events<HostVitals>> {
    let watch = upkeep_console::watch_vitals();
    let messages = unfold(watch, |mut watch| async move {
        let vitals = watch.next().await?;
        Some((Message::of(&vitals), watch))
    });
    Ok(Events::new(sse::answer(&call.app, &call.caller, messages)?))
}

/// A database that cannot be opened leaves the queue unknown, and the rest is shown.
async fn live(call: Call) -> Reply<Events<LiveSample>> {
    let console = call.console().await.ok();
    let watch = upkeep_console::watch_live(console.as_ref());
    let messages = unfold(watch, |mut watch| async move {
        let sample = watch.next().await?;
        Some((Message::of(&sample), watch))
    });
    Ok(Events::new(sse::answer(&call.app, &call.caller, messages)?))
}

async fn amount(call: Call) -> Reply<Events<FolderAmount>> {
    let name: String = call.at("name");
    let watch = call.console().await?.suggestion_amount(&name)?;
    let amounts = unfold(watch, |mut watch| async move {
        let amount = watch.next().await?;
        Some((Message::of(&amount), watch))
    });
    let messages = with_end(amounts);
    Ok(Events::new(sse::answer(&call.app, &call.caller, messages)?))
}

fn with_end(messages: impl Stream<Item = Message>) -> impl Stream<Item = Message> {
    messages.chain(stream::iter([Message::end()]))
}
