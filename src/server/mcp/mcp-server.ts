/** The MCP server: hands the tools of an agent's session to a client, by the official SDK. */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type {
  CallToolResult,
  ServerNotification,
  ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Engine } from '../../engine.ts';
import { messageOf, RvbbitError } from '../../errors.ts';
import type { Summary } from '../../result.ts';
import type { JsonObject } from '../../util/json.ts';
import { packageVersion } from '../../util/version.ts';
import { progressText } from '../outside/progress-text.ts';
import { type AgentOptions, AgentSession } from './agent-session.ts';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const INSTRUCTIONS = `DuckDB SQL, in which models may be asked about rows. Call list_tables first.
Semantic operators stand in any query: SELECT * FROM reviews WHERE text MEANS 'complains about delivery' LIMIT 20; ORDER BY text RELEVANCE TO 'battery'; CONDENSE(text); list_operators has all.
A cascade runs over rows: RVBBIT MAP PARALLEL 10 'file.yaml' AS x USING (SELECT … LIMIT 50); list_cascades has all.
Model calls cost money: explain says how much before anything is asked. Narrow with plain conditions and LIMIT first. Equal questions are not asked twice.`;

/** A running server. */
export interface RunningMcp {
  /** Ends the session. Calls in flight are cancelled. */
  close(): Promise<void>;
  /** Resolves when the client has closed the connection. */
  readonly closed: Promise<void>;
}

/** Serves one client. Throws RVB_INSTALL without the SDK, which does not come with this package. */
export async function serveMcp(
  engine: Engine,
  options: AgentOptions,
  transport?: Transport,
): Promise<RunningMcp> {
  const sdk = await loadSdk();
  const agent = await AgentSession.open(engine, options);
  const server: McpServer = new sdk.McpServer(
    { name: 'rvbbit', version: packageVersion() },
    { instructions: INSTRUCTIONS, capabilities: { tools: {} } },
  );
  addTools(server, agent, engine, options);
  const closed = new Promise<void>((resolve) => {
    server.server.onclose = () => resolve();
  });
  await server.connect(transport ?? new sdk.StdioServerTransport());
  return {
    closed,
    async close() {
      await server.close();
      await agent.close();
    },
  };
}

/** Not a literal in `import()`: an application that is bundled need not have the package. */
const SDK: string = '@modelcontextprotocol/sdk';

async function loadSdk() {
  try {
    const [{ McpServer }, { StdioServerTransport }] = await Promise.all([
      import(`${SDK}/server/mcp.js`) as Promise<
        typeof import('@modelcontextprotocol/sdk/server/mcp.js')
      >,
      import(`${SDK}/server/stdio.js`) as Promise<
        typeof import('@modelcontextprotocol/sdk/server/stdio.js')
      >,
    ]);
    return { McpServer, StdioServerTransport };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw thrown;
    throw new RvbbitError(
      'RVB_INSTALL',
      'the MCP server needs a package that does not come with rvbbit: npm install @modelcontextprotocol/sdk, in the same place and the same way (-g) as rvbbit; without an installation: npx -y -p rvbbit -p @modelcontextprotocol/sdk rvbbit serve mcp',
      { stage: 'open', cause: thrown },
    );
  }
}

const SQL = z.string().min(1).describe('one statement');

function addTools(
  server: McpServer,
  agent: AgentSession,
  engine: Engine,
  { readWrite }: AgentOptions,
): void {
  const reads = { readOnlyHint: true, openWorldHint: false };
  server.registerTool(
    'query',
    {
      title: 'Run a statement',
      description: `Runs one SQL or RVBBIT statement and returns its first rows as JSON.${readWrite ? '' : ' It may only read, and make temporary tables.'} A statement that may cost more than the session has left is refused before anything is asked.`,
      inputSchema: {
        sql: SQL,
        max_rows: z.int().min(1).optional().describe('the most rows to return'),
      },
      annotations: { readOnlyHint: !readWrite, destructiveHint: readWrite, openWorldHint: true },
    },
    ({ sql, max_rows: maxRows }, extra) =>
      told(() =>
        agent.query(sql, { maxRows, signal: extra.signal, onProgress: progressOf(extra) }),
      ),
  );
  server.registerTool(
    'explain',
    {
      title: 'Forecast a statement',
      description:
        'Says how many rows a statement reads, how many model calls it makes, and what they cost, before anything is bought.',
      inputSchema: { sql: SQL },
      annotations: reads,
    },
    ({ sql }, { signal }) => told(() => agent.explain(sql, signal)),
  );
  server.registerTool(
    'list_tables',
    {
      title: 'Tables and views',
      description: 'Lists tables and views with their columns, types and estimated row counts.',
      inputSchema: { like: z.string().optional().describe('only names that contain this') },
      annotations: reads,
    },
    ({ like }, { signal }) => told(() => agent.listTables(like, signal)),
  );
  server.registerTool(
    'list_cascades',
    {
      title: 'Cascades',
      description: 'Lists the cascades that RVBBIT MAP and RUN can run, and the columns they read.',
      annotations: reads,
    },
    () => told(() => agent.listCascades((path) => engine.loadCascade(path))),
  );
  server.registerTool(
    'list_operators',
    {
      title: 'Semantic operators',
      description: 'Lists the semantic operators that queries may use, and how they are written.',
      annotations: reads,
    },
    () => told(() => agent.listOperators()),
  );
}

/** Returns what a tool says, or its error with the hint that its message holds, as a tool's result. */
async function told(work: () => Promise<JsonObject>): Promise<CallToolResult> {
  try {
    return { content: [{ type: 'text', text: JSON.stringify(await work()) }] };
  } catch (thrown) {
    const code = thrown instanceof RvbbitError ? `${thrown.code} (${thrown.sqlState}): ` : '';
    return { isError: true, content: [{ type: 'text', text: code + messageOf(thrown, 4_000) }] };
  }
}

/** Returns what tells the client of progress; undefined if the client has not asked for it. */
function progressOf({ _meta, sendNotification }: Extra) {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let progress = 0;
  return (soFar: Summary) => {
    progress += 1;
    const message = progressText(soFar);
    sendNotification({
      method: 'notifications/progress',
      params: { progressToken, progress, message },
    }).catch(() => {});
  };
}
