/** A plain HTTP client of the simulated model server: what the engine is compared with. */
import { Pool } from 'undici';

/** Asks over `connections` connections, each with one call at a time. */
export class BareClient {
  readonly #pool: Pool;
  readonly #connections: number;

  constructor(url: string, connections: number) {
    this.#pool = new Pool(new URL(url).origin, { connections, pipelining: 1 });
    this.#connections = connections;
  }

  async ask(content: string): Promise<string> {
    const { body } = await this.#pool.request({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }),
    });
    const answer = (await body.json()) as { choices: { message: { content: string } }[] };
    return answer.choices[0]!.message.content;
  }

  /** Asks the questions 0 to `count` - 1, as many at a time as there are connections. */
  async askAll(count: number, questionOf: (id: number) => string): Promise<string[]> {
    const answers: string[] = [];
    let next = 0;
    const lane = async () => {
      for (let id = next++; id < count; id = next++) answers[id] = await this.ask(questionOf(id));
    };
    await Promise.all(Array.from({ length: this.#connections }, lane));
    return answers;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
