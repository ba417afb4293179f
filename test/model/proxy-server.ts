/** A forward proxy on a real socket: CONNECT, and requests with a whole URL. Names lead to this machine. */
import { createServer, request as forward } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ProxyServer {
  readonly url: string;
  readonly port: number;
  /** `CONNECT host:port` or `POST http://…`, in the order of arrival. */
  readonly seen: string[];
  /** What each request said in Proxy-Authorization. */
  readonly keys: (string | undefined)[];
  /** The header of each request that was read whole. */
  readonly headers: NodeJS.Dict<string | string[]>[];
  /** Answers with this in place of forwarding. */
  refuseWith: number | undefined;
  /** Ends the connection at CONNECT, without a word. */
  breaksOff: boolean;
  close(): Promise<void>;
}

export async function proxyServer(): Promise<ProxyServer> {
  const sockets = new Set<Socket>();
  const server = createServer((req, res) => {
    proxy.seen.push(`${req.method} ${req.url}`);
    proxy.keys.push(req.headers['proxy-authorization']);
    proxy.headers.push(req.headers);
    if (proxy.refuseWith !== undefined) {
      res.writeHead(proxy.refuseWith).end(JSON.stringify({ error: req.headers }));
      return;
    }
    const { port, pathname } = new URL(req.url ?? '');
    const { 'proxy-authorization': _, ...headers } = req.headers;
    const onward = forward(
      { host: '127.0.0.1', port, path: pathname, method: 'POST', headers },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      },
    );
    onward.on('error', () => res.destroy());
    req.pipe(onward);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  server.on('connect', (req, socket: Socket) => {
    proxy.seen.push(`CONNECT ${req.url}`);
    proxy.keys.push(req.headers['proxy-authorization']);
    proxy.headers.push(req.headers);
    if (proxy.breaksOff) {
      socket.destroy();
      return;
    }
    if (proxy.refuseWith !== undefined) {
      const echoed = JSON.stringify(req.headers);
      socket.end(`HTTP/1.1 ${proxy.refuseWith} ${echoed}\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const onward = connect(Number(/:(\d+)$/.exec(req.url ?? '')?.[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward);
    onward.on('error', () => socket.destroy()).on('close', () => sockets.delete(onward));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: ProxyServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    seen: [],
    keys: [],
    headers: [],
    refuseWith: undefined,
    breaksOff: false,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
