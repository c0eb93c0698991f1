//! Samples, bytes, series and steps.

use super::*;

fn limited(max_samples: u64, max_memory: Option<u64>, max_series: Option<u64>) -> Engine {
    let mut options = EngineOptions::new()
        .max_samples(max_samples)
        .parser(ParserOptions::all());
    options.max_memory = max_memory;
    options.max_series = max_series;
    engine(options)
}

#[tokio::test]
async fn samples_are_limited() {
    let engine = limited(1000, None, None);
    let store = Fake::many("x", 20, 100)
        .and(Fake::many("y", 20, 100))
        .store();
    let times = (0, 2970, 30);
    for text in [
        "x",
        "x + y",
        "-x",
        "x or y",
        "topk(20, x)",
        "quantile by (i) (0.5, x)",
        "count_values(\"v\", x)",
        "info(x)",
        "x + fill(0) y",
        "x smoothed",
        "label_replace(x, \"a\", \"$1\", \"i\", \"(.*)\")",
    ] {
        let error = refused(over(&engine, &store, text, times), text).await;
        assert_eq!(error.class(), ErrorClass::Execution, "{text}: {error}");
        assert!(
            matches!(
                error,
                QueryError::Limit(LimitError::Samples { limit: 1000 })
            ),
            "{text}: {error}"
        );
        assert_eq!(
            error.to_string(),
            "query processing would load too many samples into memory in query execution"
        );
    }
    // What is folded at once is not held.
    let result = over(&engine, &store, "sum(x)", times)
        .execute()
        .await
        .unwrap();
    assert!(result.stats.peak_samples <= 1000, "{:?}", result.stats);
    let raw = at(&engine, &store, "x[1h]", 2970)
        .execute()
        .await
        .unwrap_err();
    assert!(matches!(raw, QueryError::Limit(LimitError::Samples { .. })));
    // Too many steps are refused before a store is asked.
    let error = over(&engine, &store, "1", (0, 2000, 1)).execute().await;
    assert!(matches!(
        error,
        Err(QueryError::Limit(LimitError::Samples { .. }))
    ));
    assert!(
        over(&engine, &store, "sum(x)", times)
            .execute()
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn bytes_are_limited() {
    let engine = limited(u64::MAX, Some(1 << 20), None);
    let store = Fake::many("x", 400, 400)
        .and(Fake::many("y", 400, 400))
        .store();
    let times = (0, 11_970, 30);
    for text in [
        "x",
        "x + y",
        "x * on () group_left () sum(y)",
        "x and y",
        "x or y",
        "topk(200, x)",
        "bottomk by (i) (1, x)",
        "quantile(0.5, x)",
        "count_values(\"v\", x)",
        "info(x)",
        "x + fill(0) nothing",
        "delta(x[5m] smoothed)",
        "sum by (i) (x)",
        "sort(x)",
        "max_over_time(x[1h:1s])",
        "label_replace(x, \"a\", \"$1\", \"i\", \"(.*)\")",
        "x @ 60",
        "absent(x) or x",
        "-x",
    ] {
        let error = refused(over(&engine, &store, text, times), text).await;
        assert_eq!(error.class(), ErrorClass::Execution, "{text}: {error}");
        assert!(
            matches!(&error, QueryError::Limit(LimitError::Memory { limit, .. }) if *limit == 1 << 20),
            "{text}: {error}"
        );
        let message = error.to_string();
        assert!(
            message
                .starts_with("query needs more than 1048576 bytes of memory (limit max_memory): "),
            "{message}"
        );
    }
    let error = at(&engine, &store, "x[4h]", 11_970)
        .execute()
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        QueryError::Limit(LimitError::Memory { .. })
    ));
    assert!(
        over(&engine, &store, "sum(x)", times)
            .execute()
            .await
            .is_ok()
    );
    let options = QueryOptions::new().max_memory(1000);
    let query = engine.prepare("sum(x)").unwrap();
    let error = query
        .range(store, over_secs((0, 5970, 30)), options)
        .execute()
        .await;
    assert!(matches!(
        error,
        Err(QueryError::Limit(LimitError::Memory { limit: 1000, .. }))
    ),);
}

/// Step counts that no machine can hold must be refused by their number, not
/// by the allocator, which would end the process.
#[tokio::test]
async fn huge_grids_are_refused_before_they_are_allocated() {
    let store = Fake::many("x", 2, 3).store();
    let year = 365 * 86_400;
    let steps = (0, 300 * year, 1);
    for (max_samples, max_memory) in [
        (u64::MAX, None),
        (u64::MAX, Some(1 << 30)),
        (50_000_000, None),
    ] {
        let engine = limited(max_samples, max_memory, None);
        for text in [
            "1",
            "x",
            "time()",
            "sum(x)",
            "vector(1)",
            "x @ 60",
            "absent(x)",
            "scalar(x)",
        ] {
            let error = refused(over(&engine, &store, text, steps), text).await;
            assert!(matches!(error, QueryError::Limit(_)), "{text}: {error}");
        }
        for text in [
            "max_over_time(x[250y:1ms])",
            "max_over_time(vector(1)[250y:1ms])",
            "max_over_time((x @ 60)[250y:1ms])",
            "max_over_time(absent(x)[250y:1ms])",
            "absent_over_time(x[250y:1ms])",
            "max_over_time(max_over_time(x[1m:1s])[250y:1ms])",
            "x[250y:1ms]",
            "sum(x)[250y:1ms]",
        ] {
            let error = at(&engine, &store, text, 250 * year)
                .execute()
                .await
                .unwrap_err();
            assert!(matches!(error, QueryError::Limit(_)), "{text}: {error}");
        }
        lives(&engine).await;
    }
}

#[tokio::test]
async fn result_series_are_limited() {
    let engine = limited(u64::MAX, None, Some(10));
    let store = Fake::many("x", 11, 3).store();
    for query in [
        at(&engine, &store, "x", 60),
        at(&engine, &store, "x[1m]", 60),
        over(&engine, &store, "x", (0, 60, 30)),
    ] {
        let error = query.execute().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Execution);
        assert_eq!(
            error.to_string(),
            "query returns more than 10 series (limit max_series)"
        );
    }
    let result = at(&engine, &store, "topk(10, x)", 60).execute().await;
    assert!(result.is_ok());
    let options = QueryOptions::new().max_series(3);
    let query = engine.prepare("topk(4, x)").unwrap();
    let error = query
        .instant(store, at_secs(60), options)
        .execute()
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        QueryError::Limit(LimitError::Series { limit: 3 })
    ));
}

/// What a query may read, in series and in samples, whoever sets the limit.
#[tokio::test]
async fn what_a_query_reads_is_limited() {
    let store = Fake::many("x", 10, 4).store();
    let plain = engine(EngineOptions::default());
    let strict = engine(
        EngineOptions::new()
            .max_selected_series(15)
            .max_samples_read(60),
    );
    let run = |engine: &Engine, text: &str, series: Option<u64>, samples: Option<u64>| {
        let mut options = QueryOptions::new();
        options.max_selected_series = series;
        options.max_samples_read = samples;
        let prepared = engine.prepare(text).unwrap();
        prepared
            .instant(Arc::clone(&store), at_secs(90), options)
            .execute()
    };
    for text in ["sum(x)", "x[90s]", "sum(sum_over_time(x[90s]))"] {
        for (engine, series, samples) in [
            (&plain, None, None),
            (&plain, Some(10), Some(40)),
            (&strict, None, None),
            // The lower limit counts.
            (&strict, Some(1000), Some(1000)),
        ] {
            run(engine, text, series, samples).await.unwrap();
        }
        let error = run(&plain, text, Some(9), None).await.unwrap_err();
        let limit = LimitError::SelectedSeries { limit: 9 };
        assert!(matches!(error, QueryError::Limit(e) if e == limit));
        let error = run(&plain, text, None, Some(9)).await.unwrap_err();
        let limit = LimitError::SamplesRead { limit: 9 };
        assert!(matches!(error, QueryError::Limit(e) if e == limit));
    }
    // Each selector counts.
    let error = run(&strict, "x + rate(x[90s])", None, None)
        .await
        .unwrap_err();
    let text = "query would load too many series into memory in query execution";
    assert_eq!(error.to_string(), text);
    let error = run(&plain, "x + rate(x[90s])", None, Some(60)).await;
    let text = "query would read too many samples in query execution";
    assert_eq!(error.unwrap_err().to_string(), text);
    lives(&plain).await;
}

#[tokio::test]
async fn an_estimate_reads_labels_alone() {
    let engine = engine(EngineOptions::default());
    let store = Fake {
        on_chunks: Some(Arc::new(|_| panic!("an estimate reads samples"))),
        estimate: Some(7_000),
        ..Fake::many("x", 5, 3)
    };
    let store = store.store();
    for (text, series, samples) in [
        ("x", 5, 7_000),
        ("sum(x) + sum(x)", 5, 7_000),
        ("x or x offset 5m", 10, 14_000),
        ("y", 0, 7_000),
        ("1", 0, 0),
    ] {
        let estimate = at(&engine, &store, text, 60).estimate().await.unwrap();
        assert_eq!(
            (estimate.series, estimate.samples),
            (series, samples),
            "{text}"
        );
    }
    lives(&engine).await;
}
