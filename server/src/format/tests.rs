//! Tests of all formats, over series in memory.

use std::sync::Arc;

use quarrel_engine::{Engine, EngineOptions, QueryOptions, QueryRange, Timestamp, Value};
use quarrel_storage::memory::MemoryStorage;

use super::*;

/// 2023-11-15T01:20:00Z
const START: i64 = 1_700_011_200_000;

fn storage() -> Arc<MemoryStorage> {
    let storage = MemoryStorage::new();
    for (mode, factor) in [("idle", 1.0), ("user", 0.5)] {
        for (cpu, offset) in [("0", 0.0), ("1", 2.0)] {
            let times: Vec<i64> = (0..61).map(|i| START + i * 60_000).collect();
            let wave = |i: i64| (i as f64 / 10.0 + offset).sin() * factor;
            let values = (0..61).map(wave).collect();
            let labels = [
                ("__name__", "load"),
                ("cpu", cpu),
                ("job", "node"),
                ("mode", mode),
            ];
            storage.append_series(labels, times, values).unwrap();
        }
    }
    let odd = [("__name__", "odd"), ("ünïcode", "a,\"b\"\n\u{7}")];
    storage.append(odd, START, f64::NAN).unwrap();
    Arc::new(storage)
}

/// The answer at the start, or over an hour with the step in minutes.
async fn answer(query: &str, step: Option<i64>) -> Value {
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let prepared = engine.prepare(query).unwrap();
    let options = QueryOptions::default();
    let query = match step {
        None => prepared.instant(storage(), Timestamp::from_millis(START), options),
        Some(minutes) => prepared.range(
            storage(),
            QueryRange::from_millis(START..=START + 3_600_000, minutes * 60_000).unwrap(),
            options,
        ),
    };
    query.execute().await.unwrap().value
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

const STYLE: Style = Style {
    width: 72,
    height: 24,
    color: false,
};

#[tokio::test]
async fn an_instant_vector_as_a_table() {
    let value = answer("load", None).await;
    insta::assert_snapshot!(text(|out| table(&value, &STYLE, out)), @r#"
    load{job="node"}

    cpu  mode     value
    ───  ────  ────────
    0    idle         0
    0    user         0
    1    idle  0.909297
    1    user  0.454649
    "#);
    let value = answer("load{cpu='1', mode='idle'}", None).await;
    insta::assert_snapshot!(text(|out| table(&value, &STYLE, out)), @r"
    __name__  cpu  job   mode     value
    ────────  ───  ────  ────  ────────
    load      1    node  idle  0.909297
    ");
    let value = answer("odd", None).await;
    insta::assert_snapshot!(text(|out| table(&value, &STYLE, out)), @r#"
    __name__  ünïcode  value
    ────────  ───────  ─────
    odd       a,"b"��    NaN
    "#);
}

#[tokio::test]
async fn small_answers_as_tables() {
    for (query, want) in [
        ("1/3", "0.333333\n"),
        ("'a'", "a\n"),
        ("nope", "(no series)\n"),
    ] {
        let value = answer(query, None).await;
        assert_eq!(text(|out| table(&value, &STYLE, out)), want);
    }
}

#[tokio::test]
async fn a_matrix_has_a_column_a_series_where_that_fits() {
    let value = answer("sum by (mode) (load)", Some(15)).await;
    insta::assert_snapshot!(text(|out| table(&value, &STYLE, out)), @r#"
    time                  {mode="idle"}  {mode="user"}
    ────────────────────  ─────────────  ─────────────
    2023-11-15T01:20:00Z       0.909297       0.454649
    2023-11-15T01:35:00Z       0.646712       0.323356
    2023-11-15T01:50:00Z      -0.817804      -0.408902
    2023-11-15T02:05:00Z       -0.76241      -0.381205
    2023-11-15T02:20:00Z       0.709943       0.354971
    "#);
    let value = answer("load > 0.8", Some(15)).await;
    let narrow = Style { width: 40, ..STYLE };
    insta::assert_snapshot!(text(|out| table(&value, &narrow, out)), @r#"
    load{job="node", mode="idle"}

    cpu  time                     value
    ───  ────────────────────  ────────
    0    2023-11-15T01:35:00Z  0.997495
    1    2023-11-15T01:20:00Z  0.909297
    1    2023-11-15T02:20:00Z  0.989358
    "#);
}

#[tokio::test]
async fn answers_as_csv() {
    let value = answer("load{cpu='1'} or odd", None).await;
    let want = [
        "__name__,cpu,job,mode,ünïcode,timestamp,value",
        "load,1,node,idle,,1700011200,0.9092974268256817",
        "load,1,node,user,,1700011200,0.45464871341284085",
        "odd,,,,\"a,\"\"b\"\"\n\u{7}\",1700011200,NaN",
        "",
    ];
    assert_eq!(text(|out| csv(&value, out)), want.join("\n"));
    let value = answer("time() / 7", None).await;
    insta::assert_snapshot!(text(|out| csv(&value, out)), @r"
    timestamp,value
    1700011200,242858742.85714287
    ");
    let value = answer("'a,b'", None).await;
    insta::assert_snapshot!(text(|out| csv(&value, out)), @r#"
    timestamp,value
    1700011200,"a,b"
    "#);
}

#[tokio::test]
async fn a_matrix_as_lines() {
    let value = answer("load{mode='idle'}", Some(1)).await;
    insta::assert_snapshot!(text(|out| plot(&value, &STYLE, out)), @r#"
    load{job="node", mode="idle"}
         │⢄          ⣀⠤⠒⠉⠉⠉⠉⠒⠒⠤⡀                                 ⣀⠤⠒⠉⠉⠉⠉ B
         │ ⠑⠢⡀    ⢀⠔⠊          ⠈⠒⢄                            ⢀⠤⠊
         │   ⠈⠢⡀⢀⠔⠁               ⠑⢄                        ⢀⠔⠁
     0.5 ┤    ⢀⠜⢣                   ⠑⡄                    ⢀⠔⠁
         │   ⡠⠊  ⠑⢄                  ⠈⠢⡀                 ⡰⠁
         │ ⢀⠜     ⠈⠢⡀                  ⠑⢄              ⢀⠜
     0.0 ┤⡠⠊        ⠈⠢⡀                  ⠑⢄           ⡰⠁
         │            ⠑⡄                  ⠈⢢        ⢀⠜
         │             ⠈⢆                   ⠱⡀     ⡠⠊                  ⢀ A
         │               ⠑⡄                  ⠈⢢  ⢀⠜                   ⡠⠃
    -0.5 ┤                ⠈⠢⡀                  ⠑⣴⠁                  ⢀⠎
         │                  ⠈⠢⡀               ⡠⠊ ⠑⢄               ⢀⠔⠁
         │                    ⠈⠢⣀          ⢀⠔⠊     ⠑⢄⡀          ⡠⠒⠁
         │                       ⠑⠤⠤⣀⣀⣀⣀⡠⠔⠊⠁         ⠈⠢⠤⢄⣀⣀⣀⣀⠤⠒⠉
         └┴───────────┴───────────┴────────────┴───────────┴───────────┴
         01:20      01:32       01:44        01:56       02:08     02:20
          2023-11-15T01:20:00Z to 2023-11-15T02:20:00Z
    A {cpu="0"}  -0.279415
    B {cpu="1"}  0.989358
    "#);
    let value = answer("load{cpu='0', mode='user'} > -0.2", Some(2)).await;
    insta::assert_snapshot!(text(|out| plot(&value, &STYLE, out)), @r#"
        │            ⢀⠤⠒⠊⠉⠉⠒⠢⣀
        │          ⢀⠔⠁        ⠑⡄
    0.4 ┤         ⡠⠃           ⠈⢢
        │        ⡔⠁              ⠱⡀
        │       ⡜                 ⠘⡄
        │     ⢀⠎                   ⠘⡄
        │    ⢠⠊                     ⠘⡄
    0.2 ┤   ⢠⠃                       ⠘⡄
        │  ⢠⠃                         ⠘⡄
        │ ⢀⠇                           ⠘⡄
        │⢀⠎                             ⠘⡄
    0.0 ┤⠎                               ⠘⡄
        │                                 ⠸⡀
        │                                  ⠱⡀
        │                                   ⠱                          ⢀
        └┴─────────┴──────────┴─────────┴─────────┴──────────┴─────────┴
        01:20    01:30      01:40     01:50     02:00      02:10   02:20
         2023-11-15T01:20:00Z to 2023-11-15T02:20:00Z
    ─ load{cpu="0", job="node", mode="user"}  -0.139708
    "#);
}

#[tokio::test]
async fn an_instant_vector_as_bars() {
    let value = answer("load", None).await;
    insta::assert_snapshot!(text(|out| plot(&value, &STYLE, out)), @r#"
    load{job="node"}
    {cpu="0", mode="idle"} │ 0
    {cpu="0", mode="user"} │ 0
    {cpu="1", mode="idle"} │███████████████████████████████████████ 0.909297
    {cpu="1", mode="user"} │███████████████████▌ 0.454649
    "#);
}

#[tokio::test]
async fn colors_are_optional() {
    let value = answer("load", Some(1)).await;
    let color = Style {
        color: true,
        ..STYLE
    };
    let plain = text(|out| plot(&value, &STYLE, out));
    let colored = text(|out| plot(&value, &color, out));
    assert!(!plain.contains('\x1b'));
    assert!(colored.contains("\x1b[36m") && colored.contains("\x1b[0m"));
}

#[tokio::test]
async fn an_empty_plot_is_a_message() {
    for query in ["nope", "odd"] {
        for step in [None, Some(1)] {
            let value = answer(query, step).await;
            assert_eq!(text(|out| plot(&value, &STYLE, out)), "(nothing to plot)\n");
        }
    }
}

#[tokio::test]
async fn any_size_of_the_terminal_is_drawn_on() {
    let value = answer("load * 1e300", Some(1)).await;
    for (width, height) in [(0, 0), (1, 500), (40, 12), (500, 3)] {
        let style = Style {
            width,
            height,
            color: true,
        };
        for write in [plot, table] {
            assert!(!text(|out| write(&value, &style, out)).is_empty());
        }
    }
}

#[tokio::test]
async fn an_arrow_stream_is_read_back() {
    for (query, rows, columns) in [("load", 4, 3), ("1", 1, 2), ("'a'", 1, 2), ("nope", 0, 3)] {
        let value = answer(query, None).await;
        let mut bytes = Vec::new();
        arrow(&value, &mut bytes).unwrap();
        let reader = arrow_ipc::reader::StreamReader::try_new(&bytes[..], None).unwrap();
        let batches: Vec<_> = reader.collect::<Result<_, _>>().unwrap();
        let found: usize = batches.iter().map(arrow_array::RecordBatch::num_rows).sum();
        assert_eq!(found, rows, "{query}");
        assert!(batches.iter().all(|batch| batch.num_columns() == columns));
    }
}
