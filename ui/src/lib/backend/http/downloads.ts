// files: the browser downloads them, and shows how far it is. Whether there is a server to send them is asked before.
import type { Condition } from "$lib/generated/Condition";
import type { ExportRequest } from "$lib/generated/ExportRequest";
import type { ExportSubject } from "$lib/generated/ExportSubject";
import type { StatisticsRange } from "$lib/generated/StatisticsRange";
import type { TaskFilter } from "$lib/generated/TaskFilter";
import { BackendError } from "../errors";
import { address, type Query, type Requests } from "./requests";

export function rangeQuery(range: StatisticsRange): Query {
  return range.kind === "between" ? { from: range.from, to: range.to } : { range: range.kind };
}

export function filterQuery(filter: TaskFilter): Query {
  return { ...filter, failed_as: filter.failed_as === "any" ? null : filter.failed_as };
}

function subjectQuery(subject: ExportSubject): Query {
  switch (subject.of) {
    case "statistics":
      return {
        ...rangeQuery(subject.query.range),
        host: subject.query.host,
        operation: subject.query.operation,
      };
    case "health":
      return { ...rangeQuery(subject.range), host: subject.host };
    case "tasks":
      return filterQuery(subject.filter);
  }
}

export function exportAddress({ subject, format }: ExportRequest): string {
  return address(`/api/export/${subject.of}`, { format, ...subjectQuery(subject) });
}

/** Hands the file over to the browser. A refusal would only be a failed download there, so what can be known is asked first. */
export async function download(requests: Requests, path: string): Promise<void> {
  const { database_error } = await requests.get<Condition>("/api/condition");
  if (database_error) throw new BackendError(database_error);
  const link = document.createElement("a");
  link.href = path;
  // the server names the file
  link.download = "";
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
}
