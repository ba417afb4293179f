/** Loaded before the command line: its pipes look like a terminal. Keys come on stdin; Ctrl-C of a statement is SIGINT. */
for (const stream of [process.stdin, process.stdout, process.stderr]) {
  Object.assign(stream, {
    isTTY: true,
    columns: Number(process.env['COLUMNS']),
    rows: Number(process.env['LINES']),
  });
}
Object.assign(process.stdin, { setRawMode: () => process.stdin });
// A terminal is one device: what is written to it keeps its order.
process.stderr.write = process.stdout.write.bind(process.stdout);
