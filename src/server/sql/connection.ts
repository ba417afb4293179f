/**
 * One client after its start: takes its messages in order, runs them, and answers them.
 * https://www.postgresql.org/docs/14/protocol-flow.html
 */
import { cancelledError, RvbbitError } from '../../errors.ts';
import { TIMER_MAX_MS } from '../../limits.ts';
import { placedFrom } from '../../plan/placed-error.ts';
import type { Notice, ResultColumn } from '../../result.ts';
import { accountNotices } from './account-notices.ts';
import {
  bindValues,
  columnsWith,
  describePrepared,
  knownColumns,
  parameterOids,
  promisedBy,
} from './bind.ts';
import type { Client } from './client.ts';
import type { Command, CopyInAnswer, CopyOutAnswer, RowsAnswer } from './command.ts';
import { type MessageSource, type Received, UnreadableQuery } from './message-source.ts';
import { Portal } from './portal.ts';
import type { ClientMessage, FormatCode } from './protocol/read-messages.ts';
import { errorFields, noticeFields } from './protocol/report-fields.ts';
import { protocolError, refusal } from './protocol-error.ts';
import { route, routeAll } from './route.ts';
import { rowEncoder, rowFields } from './rows.ts';
import type { SocketOutput } from './socket-output.ts';

/** The parts of a connection. */
export interface ConnectionParts {
  readonly client: Client;
  readonly source: MessageSource;
  readonly output: SocketOutput;
  /** The longest time between two messages outside of a transaction; 0 for no limit. */
  readonly idleMs: number;
  /** Is told of each error that the client is told. */
  readonly onError?: ((thrown: unknown) => void) | undefined;
}

type Bind = Extract<ClientMessage, { kind: 'bind' }>;

export class Connection {
  readonly #client: Client;
  readonly #source: MessageSource;
  readonly #output: SocketOutput;
  readonly #idleMs: number;
  readonly #onError: ((thrown: unknown) => void) | undefined;
  /** True after an error of the extended protocol: everything up to the next Sync is passed over. */
  #isSkipping = false;
  /** Ends what runs now. */
  #running: Portal | undefined;
  /** The text of the statement that is being answered, in which the places of errors count. */
  #text = '';

  constructor({ client, source, output, idleMs, onError }: ConnectionParts) {
    this.#client = client;
    this.#source = source;
    this.#output = output;
    this.#idleMs = idleMs;
    this.#onError = onError;
  }

  /** Cancels the statement that runs, if one does. */
  cancel(): void {
    this.#running?.abort();
  }

  /** True while a statement runs, or a transaction is open. */
  get isBusy(): boolean {
    return this.#running !== undefined || this.#client.inTransaction;
  }

  /** Sends a notice, if the client wants such. */
  tell(
    notice: { readonly code: string; readonly message: string },
    severity: 'NOTICE' | 'WARNING' = 'NOTICE',
  ): void {
    if (severity === 'NOTICE' && !this.#client.settings.wantsNotices) return;
    this.#output.writer.report('N', noticeFields(notice, severity));
  }

  /** Serves the client until it leaves. Throws the error that ends the connection. */
  async serve(): Promise<void> {
    await this.#ready();
    for (;;) {
      const message = await this.#next();
      if (message === 'gone') return;
      if (message instanceof UnreadableQuery) await this.#refuseQuery(message);
      else if (message instanceof Error) await this.#fail(message, false);
      else if (message.kind === 'terminate') return;
      else await this.#handle(message);
      if (this.#output.isFull) await this.#output.drain();
    }
  }

  /** Waits for the next message, as long as the client may be idle. */
  async #next(): Promise<Exclude<Received, undefined>> {
    const client = this.#client;
    const isOpen = client.inTransaction;
    const idleMs = isOpen ? client.settings.idleInTransactionMs : this.#idleMs;
    if (idleMs === 0) return (await this.#source.next()) ?? 'gone';
    const wait = new AbortController();
    const timer = setTimeout(() => wait.abort(), Math.min(idleMs, TIMER_MAX_MS));
    try {
      const message = await this.#source.next(wait.signal);
      if (message !== undefined) return message;
    } finally {
      clearTimeout(timer);
    }
    const where = isOpen ? ' in a transaction' : '';
    throw refusal(
      isOpen ? '25P03' : '57P05',
      `the connection was idle${where} for ${idleMs} ms, and is closed`,
    );
  }

  async #handle(message: ClientMessage): Promise<void> {
    const { writer } = this.#output;
    switch (message.kind) {
      case 'query':
        this.#isSkipping = false;
        return this.#query(message.text);
      case 'sync':
        return this.#sync();
      case 'flush':
        return this.#output.drain();
      // What is left of a COPY that has failed.
      case 'copyData':
      case 'copyDone':
      case 'copyFail':
        return;
      case 'terminate':
        return;
      default:
    }
    if (this.#isSkipping) return;
    try {
      switch (message.kind) {
        case 'parse':
          this.#parse(message.name, message.text, message.types);
          writer.bare('1');
          break;
        case 'bind':
          await this.#bind(message);
          writer.bare('2');
          break;
        case 'describe':
          await this.#describe(message.what, message.name);
          break;
        case 'execute':
          await this.#execute(message.portal, message.maxRows);
          break;
        case 'close':
          if (message.what === 'statement') this.#client.prepared.delete(message.name);
          else await this.#client.closePortal(message.name);
          writer.bare('3');
          break;
      }
    } catch (thrown) {
      await this.#fail(thrown, true);
    }
  }

  /** Answers a simple query: its statements one after another, as one transaction unless the client has its own. */
  async #query(text: string): Promise<void> {
    const client = this.#client;
    this.#text = text;
    try {
      client.prepared.delete('');
      await client.closePortal('');
      const statements = routeAll(text, client);
      if (statements.length === 0) this.#output.writer.bare('I');
      for (const { command, start } of statements) {
        if (statements.length > 1 && command.role === 'statement' && client.status !== 'E') {
          await client.beginImplicit();
        }
        const portal = new Portal({
          command,
          parameters: undefined,
          formats: [],
          source: text,
          start,
        });
        await this.#run(portal, 0, true);
      }
      await client.endImplicit('COMMIT');
    } catch (thrown) {
      await this.#fail(thrown, false);
      await this.#rollBack();
    }
    await this.#ready();
  }

  async #refuseQuery({ error }: UnreadableQuery): Promise<void> {
    await this.#fail(error, false);
    this.#isSkipping = false;
    await this.#rollBack();
    await this.#ready();
  }

  async #sync(): Promise<void> {
    const wasSkipping = this.#isSkipping;
    this.#isSkipping = false;
    try {
      await this.#client.endImplicit(wasSkipping ? 'ROLLBACK' : 'COMMIT');
    } catch (thrown) {
      await this.#fail(thrown, false);
    }
    await this.#ready();
  }

  async #rollBack(): Promise<void> {
    await this.#client.endImplicit('ROLLBACK').catch(() => undefined);
  }

  #parse(name: string, text: string, types: readonly number[]): void {
    const client = this.#client;
    this.#text = text;
    if (name === '') client.prepared.delete('');
    client.prepared.checkRoom(text.length);
    const [statement, ...more] = routeAll(text, client);
    if (more.length > 0) {
      throw refusal('42601', 'cannot insert multiple commands into a prepared statement');
    }
    client.keep(name, { text, command: statement && route(statement.text, client), types });
  }

  async #bind(message: Bind): Promise<void> {
    const client = this.#client;
    const prepared = client.prepared.get(message.statement);
    this.#text = prepared.text;
    const { command = EMPTY } = prepared;
    const { resultFormats: formats } = message;
    const signal = new AbortController().signal;
    const parameters = await bindValues(prepared, message, client, signal);
    const start = prepared.text.length - prepared.text.trimStart().length;
    const parts = {
      command,
      parameters,
      formats,
      source: prepared.text,
      start,
      promised: promisedBy(prepared),
      columns: (by: AbortSignal) => columnsWith(prepared, parameters, by),
    };
    const bytes = message.values.reduce((sum, value) => sum + (value?.length ?? 0), 0);
    await client.open(message.portal, new Portal(parts), bytes);
  }

  async #describe(what: 'statement' | 'portal', name: string): Promise<void> {
    const client = this.#client;
    const { writer } = this.#output;
    const signal = new AbortController().signal;
    if (what === 'statement') {
      const prepared = client.prepared.get(name);
      this.#text = prepared.text;
      const description = await describePrepared(prepared, signal);
      const columns = knownColumns(description);
      writer.parameterDescription(parameterOids(prepared, description));
      this.#describeRows(columns, []);
      return;
    }
    const portal = client.portals.get(name);
    this.#text = portal.parts.source;
    this.#describeRows(await portal.describe(signal), portal.parts.formats);
  }

  #describeRows(columns: readonly ResultColumn[], formats: readonly FormatCode[]): void {
    if (columns.length === 0) this.#output.writer.bare('n');
    else this.#output.writer.rowDescription(rowFields(columns, formats));
  }

  async #execute(name: string, maxRows: number): Promise<void> {
    const client = this.#client;
    const portal = client.portals.get(name);
    this.#text = portal.parts.source;
    const { command } = portal.parts;
    if (command === EMPTY) return this.#output.writer.bare('I');
    // With another statement before the next Sync, all of them are one transaction.
    const isAlone = this.#source.peek() === 'S';
    if (command.role === 'statement' && client.status !== 'E' && !isAlone)
      await client.beginImplicit();
    await this.#run(portal, maxRows, false);
  }

  /** Runs a portal, or goes on with it, and sends at most `maxRows` rows of it; 0 means all. */
  async #run(portal: Portal, maxRows: number, describes: boolean): Promise<void> {
    const client = this.#client;
    const { command, source, start } = portal.parts;
    this.#running = portal;
    const timeoutMs = client.settings.statementTimeoutMs;
    let isLate = false;
    const timer =
      timeoutMs === 0
        ? undefined
        : setTimeout(() => {
            isLate = true;
            portal.abort();
          }, timeoutMs);
    try {
      if (!portal.isOpen) client.enter(command);
      const answer = await portal.open();
      if (portal.isDone && (answer.kind !== 'rows' || answer.columns.length === 0))
        throw refusal('55000', 'this portal cannot be run again: its statement has ended');
      if (answer.kind === 'copyOut') await this.#copyOut(answer);
      else if (answer.kind === 'copyIn') await this.#copyIn(answer, portal);
      else return await this.#sendRows(answer, portal, maxRows, describes);
      portal.noteEnd();
    } catch (thrown) {
      portal.noteEnd();
      if (isLate)
        throw refusal('57014', `the statement took longer than statement_timeout, ${timeoutMs} ms`);
      throw placedFrom(thrown, source, start);
    } finally {
      clearTimeout(timer);
      this.#running = undefined;
    }
  }

  async #sendRows(
    answer: RowsAnswer,
    portal: Portal,
    maxRows: number,
    describes: boolean,
  ): Promise<void> {
    const output = this.#output;
    const { writer } = output;
    const { formats } = portal.parts;
    const told = this.#tellAll(answer.notices, 0);
    const hasRows = answer.columns.length > 0;
    const promised = describes ? answer.columns : await portal.promised(answer.columns);
    if (describes && hasRows) writer.rowDescription(rowFields(answer.columns, formats));
    const encode = rowEncoder(answer.columns, promised, formats, this.#client.zone);
    const before = writer.total;
    let sent = 0;
    for (;;) {
      if (maxRows > 0 && sent === maxRows) return writer.bare('s');
      const pending = answer.rows.next();
      const step = pending instanceof Promise ? await this.#settled(pending) : pending;
      if (step.done === true) break;
      portal.rowsTaken += 1;
      this.#client.checkRows(portal.rowsTaken);
      sent += 1;
      if (promised.length > 0) encode(step.value, writer);
      if (output.isFull) await output.drain();
    }
    portal.noteEnd();
    this.#tellAll(answer.notices, told);
    const account = await answer.account?.();
    for (const notice of account === undefined ? [] : accountNotices(account)) {
      this.tell(notice, notice.severity);
    }
    writer.commandComplete(answer.tag(sent, writer.total - before));
  }

  /** Waits for a row. If it is not there yet, the rows before it are sent meanwhile. */
  async #settled<T>(pending: Promise<T>): Promise<T> {
    let isSettled = false;
    const done = () => {
      isSettled = true;
    };
    pending.then(done, done);
    await undefined;
    if (!isSettled) await this.#output.drain();
    return pending;
  }

  #tellAll(notices: readonly Notice[], from: number): number {
    for (const notice of notices.slice(from)) this.tell(notice);
    return notices.length;
  }

  async #copyOut(answer: CopyOutAnswer): Promise<void> {
    const output = this.#output;
    const { writer } = output;
    const told = this.#tellAll(answer.notices, 0);
    writer.copyResponse('H', answer.isBinary ? 1 : 0, answer.columns);
    for (;;) {
      const step = await this.#settled(answer.pieces.next());
      if (step.done === true) break;
      writer.begin('d').raw(step.value).end();
      if (output.isFull) await output.drain();
    }
    writer.bare('c');
    this.#tellAll(answer.notices, told);
    writer.commandComplete(answer.tag());
  }

  async #copyIn(answer: CopyInAnswer, { signal }: Portal): Promise<void> {
    const { writer } = this.#output;
    writer.copyResponse('G', answer.isBinary ? 1 : 0, answer.columns);
    await this.#output.drain();
    for (;;) {
      const message = await this.#source.next(signal);
      if (message === undefined) throw cancelledError();
      if (message === 'gone') throw refusal('57014', 'the client left during COPY FROM STDIN');
      if (message instanceof UnreadableQuery) throw message.error;
      if (message instanceof Error) throw message;
      switch (message.kind) {
        case 'copyData':
          await answer.write(message.data);
          break;
        case 'copyDone':
          return writer.commandComplete(await answer.finish());
        case 'copyFail':
          throw refusal('57014', `COPY from stdin failed: ${message.reason}`);
        case 'sync':
        case 'flush':
          break;
        default:
          throw protocolError(
            `COPY FROM STDIN waits for its data, and got the message ${message.kind}`,
          );
      }
    }
  }

  /** Reports an error, and notes what follows from it. */
  async #fail(thrown: unknown, isExtended: boolean): Promise<void> {
    const { writer } = this.#output;
    writer.dropOpen();
    this.#client.noteFailure();
    this.#isSkipping ||=
      isExtended || (thrown instanceof RvbbitError && thrown.code === 'RVB_PROTOCOL');
    this.#onError?.(thrown);
    writer.report('E', errorFields(thrown, this.#text));
    if (this.#output.isFull) await this.#output.drain();
  }

  async #ready(): Promise<void> {
    this.#output.writer.readyForQuery(this.#client.status);
    await this.#output.drain();
  }
}

/** The command of a text without a statement. */
const EMPTY: Command = {
  role: 'statement',
  mayChange: false,
  describe: async () => ({ parameters: [], columns: [] }),
  run: async () => {
    throw refusal('42601', 'there is no statement to run');
  },
};
