//! The shards of a query frontend.

use super::*;

/// The answer to `count by (job) (up)` of a shard.
async fn shard(info: &str) -> (u16, serde_json::Value) {
    let info: String = info.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let (end, query) = (START + 60, "count%20by%20(job)%20(up)");
    let path = format!(
        "/api/v1/query_range?query={query}&start={START}&end={end}&step=15&stats=all&shard_info={info}"
    );
    let (status, body) = get(&path).await;
    (status, serde_json::from_str(&body).unwrap())
}

fn series(answer: &serde_json::Value) -> usize {
    answer["data"]["result"].as_array().unwrap().len()
}

/// Series and samples that were read.
fn read(answer: &serde_json::Value) -> (u64, u64) {
    let samples = &answer["data"]["stats"]["samples"];
    let count = |name: &str| samples[name].as_u64().unwrap();
    (count("seriesTouched"), count("samplesRead"))
}

#[tokio::test]
async fn each_shard_reads_its_own_series() {
    let (_, whole) = shard("").await;
    let (mut groups, mut touched, mut samples) = (0, 0, 0);
    for index in 0..4 {
        let first = if index == 0 {
            String::new()
        } else {
            // As Go leaves out what is zero.
            format!("\"shard_index\":{index},")
        };
        let (status, part) = shard(&format!(
            "{{{first}\"total_shards\":4,\"by\":true,\"labels\":[\"job\"]}}"
        ))
        .await;
        assert_eq!(status, 200);
        groups += series(&part);
        touched += read(&part).0;
        samples += read(&part).1;
        assert!(series(&part) < 3, "{part}");
    }
    assert_eq!((groups, (touched, samples)), (3, read(&whole)));
}

#[tokio::test]
async fn what_asks_for_no_shard_gets_all() {
    for info in [
        "",
        "null",
        "{}",
        "{\"total_shards\":0}",
        "{\"total_shards\":1}",
    ] {
        let (status, answer) = shard(info).await;
        assert_eq!((status, series(&answer)), (200, 3), "{info}");
    }
    let (_, none) = shard("{\"shard_index\":7,\"total_shards\":2}").await;
    assert_eq!(series(&none), 0);
}

#[tokio::test]
async fn what_is_no_shard_is_refused() {
    for info in ["{", "[]", "7", "{\"total_shards\":\"x\"}"] {
        let (status, answer) = shard(info).await;
        assert_eq!(status, 400, "{info}");
        let why = answer["error"].as_str().unwrap();
        assert!(why.contains("shard_info"), "{why}");
    }
}
