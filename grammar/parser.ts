import {
  type CstNode,
  CstParser,
  type IParserErrorMessageProvider,
  type IRecognitionException,
  type ISyntacticContentAssistPath,
  type IToken,
  type TokenType,
} from './chevrotain.ts';
import * as t from './tokens.ts';

const k = t.keyword;

function names(types: readonly (TokenType | undefined)[]): string {
  return [...new Set(types.flatMap((type) => (type === undefined ? [] : [type.name])))].join(' ');
}

/** Error messages hold only the names of the expected tokens. `syntax-errors.ts` makes sentences of them. */
const EXPECTED_NAMES: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => names([expected]),
  buildNotAllInputParsedMessage: () => '',
  buildNoViableAltMessage: ({ expectedPathsPerAlt }) =>
    names(expectedPathsPerAlt.flat().map((path) => path[0])),
  buildEarlyExitMessage: ({ expectedIterationPaths }) =>
    names(expectedIterationPaths.map((path) => path[0])),
};

/** The grammar of one dialect statement. It accepts some wrong statements: a later check gives a better message. */
export class DialectParser extends CstParser {
  /** @param skipValidations skips chevrotain's checks of this grammar. Only the tests make these checks. */
  constructor(skipValidations = true) {
    super(t.VOCABULARY, {
      skipValidations,
      errorMessageProvider: EXPECTED_NAMES,
      maxLookahead: 1,
      nodeLocationTracking: 'onlyOffset',
    });
    this.performSelfAnalysis();
  }

  statement = this.RULE('statement', () => {
    this.OPTION(() => this.SUBRULE(this.explain));
    this.OR([
      { ALT: () => this.SUBRULE(this.create) },
      { ALT: () => this.SUBRULE(this.insert) },
      { ALT: () => this.SUBRULE(this.show) },
      { ALT: () => this.SUBRULE(this.rvbbit) },
    ]);
  });

  explain = this.RULE('explain', () => {
    this.CONSUME(k.EXPLAIN);
    this.OPTION(() => this.CONSUME(k.ANALYZE));
    this.OPTION2(() => {
      this.CONSUME(t.Open);
      this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.explainSetting) });
      this.CONSUME(t.Close);
    });
  });

  explainSetting = this.RULE('explainSetting', () => {
    this.OR([
      { ALT: () => this.CONSUME(k.ANALYZE) },
      {
        ALT: () => {
          this.CONSUME(k.FORMAT);
          this.CONSUME(t.Word, { LABEL: 'format' });
        },
      },
    ]);
  });

  create = this.RULE('create', () => {
    this.CONSUME(k.CREATE);
    this.OPTION(() => {
      this.CONSUME(k.OR);
      this.CONSUME(k.REPLACE);
    });
    this.OPTION2(() =>
      this.OR([{ ALT: () => this.CONSUME(k.TEMP) }, { ALT: () => this.CONSUME(k.TEMPORARY) }]),
    );
    this.CONSUME(k.TABLE);
    this.OPTION3({
      // A table may be called `if`.
      GATE: () => this.LA(2).tokenType === k.NOT,
      DEF: () => {
        this.CONSUME(k.IF);
        this.CONSUME(k.NOT);
        this.CONSUME(k.EXISTS);
      },
    });
    this.SUBRULE(this.qualifiedName);
    this.CONSUME(k.AS);
    this.SUBRULE(this.rvbbit);
  });

  insert = this.RULE('insert', () => {
    this.CONSUME(k.INSERT);
    this.CONSUME(k.INTO);
    this.SUBRULE(this.qualifiedName);
    this.OPTION(() => this.SUBRULE(this.names));
    this.SUBRULE(this.rvbbit);
  });

  show = this.RULE('show', () => {
    this.CONSUME(k.SHOW);
    this.CONSUME(k.RVBBIT);
    this.OR([
      { ALT: () => this.CONSUME(k.JOBS) },
      { ALT: () => this.CONSUME(k.CASCADES) },
      { ALT: () => this.CONSUME(k.OPERATORS) },
    ]);
  });

  rvbbit = this.RULE('rvbbit', () => {
    this.CONSUME(k.RVBBIT);
    this.OR([{ ALT: () => this.SUBRULE(this.call) }, { ALT: () => this.SUBRULE(this.job) }]);
  });

  job = this.RULE('job', () => {
    this.OR([{ ALT: () => this.CONSUME(k.AWAIT) }, { ALT: () => this.CONSUME(k.CANCEL) }]);
    this.CONSUME(t.StringToken, { LABEL: 'session' });
    this.OPTION(() => {
      this.CONSUME(k.WITH);
      this.SUBRULE(this.options);
    });
  });

  call = this.RULE('call', () => {
    this.OR([{ ALT: () => this.CONSUME(k.MAP) }, { ALT: () => this.CONSUME(k.RUN) }]);
    this.MANY(() => this.SUBRULE(this.modifier));
    this.CONSUME(t.StringToken, { LABEL: 'cascade' });
    this.OPTION(() => this.SUBRULE(this.as));
    this.CONSUME(t.Using);
    this.CONSUME(t.Island);
    this.MANY2(() => this.SUBRULE(this.clause));
  });

  modifier = this.RULE('modifier', () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(k.PARALLEL);
          this.OPTION(() => this.SUBRULE(this.count));
        },
      },
      {
        ALT: () => {
          this.CONSUME(k.BATCH);
          this.OR2([{ ALT: () => this.SUBRULE2(this.count) }, { ALT: () => this.CONSUME(k.AUTO) }]);
        },
      },
      { ALT: () => this.CONSUME(k.DISTINCT) },
      { ALT: () => this.CONSUME(k.ASYNC) },
    ]);
  });

  count = this.RULE('count', () => {
    this.OPTION(() => this.CONSUME(t.Minus));
    this.CONSUME(t.NumberToken);
  });

  as = this.RULE('as', () => {
    this.CONSUME(k.AS);
    this.OR([{ ALT: () => this.SUBRULE(this.name) }, { ALT: () => this.SUBRULE(this.columns) }]);
  });

  clause = this.RULE('clause', () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(k.RETURNING);
          this.OR2([
            {
              ALT: () => {
                this.CONSUME(k.TABLES);
                this.OPTION(() => this.SUBRULE(this.names));
              },
            },
            { ALT: () => this.SUBRULE(this.columns) },
          ]);
        },
      },
      {
        ALT: () => {
          this.CONSUME(k.WITH);
          this.SUBRULE(this.options);
        },
      },
    ]);
  });

  options = this.RULE('options', () => {
    this.CONSUME(t.Open);
    this.SUBRULE(this.optionPair);
    this.MANY(() => {
      this.OPTION(() => this.CONSUME(t.Comma));
      this.SUBRULE2(this.optionPair);
    });
    this.CONSUME(t.Close);
  });

  optionPair = this.RULE('optionPair', () => {
    this.SUBRULE(this.name);
    this.OR([{ ALT: () => this.CONSUME(t.Equals) }, { ALT: () => this.CONSUME(t.NotEquals) }]);
    this.OR2([
      { ALT: () => this.CONSUME(t.StringToken) },
      {
        ALT: () => {
          this.OPTION(() => this.CONSUME(t.Minus));
          this.CONSUME(t.NumberToken);
        },
      },
      { ALT: () => this.CONSUME(t.Word, { LABEL: 'word' }) },
      { ALT: () => this.CONSUME(t.QuotedName, { LABEL: 'word' }) },
    ]);
  });

  columns = this.RULE('columns', () => {
    this.CONSUME(t.Open);
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.column) });
    this.CONSUME(t.Close);
  });

  column = this.RULE('column', () => {
    this.SUBRULE(this.name);
    this.OPTION({
      GATE: () => !this.#atFrom(),
      DEF: () => this.SUBRULE(this.type),
    });
    this.OPTION2(() => {
      this.CONSUME(k.FROM);
      this.CONSUME(t.StringToken);
    });
  });

  /** Takes all tokens up to the comma, the closing bracket or FROM. Only DuckDB knows which types exist. */
  type = this.RULE('type', () => {
    this.OR([{ ALT: () => this.CONSUME(t.Word) }, { ALT: () => this.CONSUME(t.QuotedName) }]);
    this.MANY({
      GATE: () => !this.#atFrom(),
      DEF: () =>
        this.OR2([
          { ALT: () => this.CONSUME2(t.Word) },
          { ALT: () => this.CONSUME2(t.QuotedName) },
          { ALT: () => this.CONSUME(t.NumberToken) },
          { ALT: () => this.CONSUME(t.Dot) },
          { ALT: () => this.CONSUME(t.SquareOrBrace) },
          { ALT: () => this.SUBRULE(this.group) },
        ]),
    });
  });

  group = this.RULE('group', () => {
    this.CONSUME(t.Open);
    this.MANY(() =>
      this.OR([
        { ALT: () => this.CONSUME(t.Word) },
        { ALT: () => this.CONSUME(t.QuotedName) },
        { ALT: () => this.CONSUME(t.NumberToken) },
        { ALT: () => this.CONSUME(t.StringToken) },
        { ALT: () => this.CONSUME(t.Comma) },
        { ALT: () => this.CONSUME(t.Dot) },
        { ALT: () => this.CONSUME(t.Minus) },
        { ALT: () => this.CONSUME(t.SquareOrBrace) },
        { ALT: () => this.SUBRULE(this.group) },
      ]),
    );
    this.CONSUME(t.Close);
  });

  names = this.RULE('names', () => {
    this.CONSUME(t.Open);
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.name) });
    this.CONSUME(t.Close);
  });

  qualifiedName = this.RULE('qualifiedName', () => {
    this.AT_LEAST_ONE_SEP({ SEP: t.Dot, DEF: () => this.SUBRULE(this.name) });
  });

  name = this.RULE('name', () => {
    this.OR([{ ALT: () => this.CONSUME(t.Word) }, { ALT: () => this.CONSUME(t.QuotedName) }]);
  });

  #atFrom(): boolean {
    return this.LA(1).tokenType === k.FROM && this.LA(2).tokenType === t.StringToken;
  }
}

let parser: DialectParser | undefined;

/** Returns the syntax tree of the tokens, or the first error. Builds the parser at the first call. */
export function parseTokens(
  tokens: IToken[],
): { tree: CstNode } | { error: IRecognitionException } {
  parser ??= new DialectParser();
  parser.input = tokens;
  const tree = parser.statement();
  const error = parser.errors[0];
  return error === undefined ? { tree } : { error };
}

/** Returns what may come after the tokens of an unfinished statement. */
export function suggestNext(tokens: IToken[]): readonly ISyntacticContentAssistPath[] {
  parser ??= new DialectParser();
  return parser.computeContentAssist('statement', tokens);
}
