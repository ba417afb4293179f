/** DuckDB functions of one text, which JavaScript answers. */
import {
  type DuckDBConnection,
  DuckDBScalarFunction,
  type DuckDBType,
  type DuckDBValue,
  VARCHAR,
} from '@duckdb/node-api';

/** Registers a function of the connection. DuckDB calls it for each row. */
export function registerTextFunction(
  connection: DuckDBConnection,
  name: string,
  returnType: DuckDBType,
  answer: (text: string) => DuckDBValue,
): void {
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name,
      parameterTypes: [VARCHAR],
      returnType,
      volatile: true,
      mainFunction: (_info, input, output) => {
        const texts = input.getColumnVector(0);
        for (let row = 0; row < input.rowCount; row += 1) {
          output.setItem(row, answer(String(texts.getItem(row))));
        }
        output.flush();
      },
    }),
  );
}
