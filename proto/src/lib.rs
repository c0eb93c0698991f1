//! The messages and services of Thanos's gRPC APIs, as Thanos 0.42 has them:
//! StoreAPI, Info, Query API, and its fan-outs of rules, targets, metadata and
//! exemplars; gRPC's own of health; and Prometheus's remote read. Names and field
//! numbers are facts of the protocols; a test compares them with bytes that Thanos's own
//! code wrote.
//!
//! Labels and the data of chunks are `Bytes`, views into the message that they
//! came with: who reads them makes sure that they are what they should be.

pub mod encoded;
pub mod exemplars;
pub mod health;
pub mod info;
pub mod labels;
pub mod metadata;
pub mod query;
pub mod remote_read;
pub mod rules;
pub mod samples;
pub mod store;
pub mod targets;
pub mod time;
pub mod wire;

/// Clients and servers of the services.
#[allow(missing_docs, clippy::all, unreachable_pub)]
pub mod services {
    /// Package `thanos.info`.
    pub mod info {
        include!(concat!(env!("OUT_DIR"), "/thanos.info.Info.rs"));
    }
    /// The StoreAPI.
    pub mod store {
        include!(concat!(env!("OUT_DIR"), "/thanos.Store.rs"));
    }
    /// The Query API.
    pub mod query {
        include!(concat!(env!("OUT_DIR"), "/thanos.Query.rs"));
    }
    /// Rules and alerts.
    pub mod rules {
        include!(concat!(env!("OUT_DIR"), "/thanos.Rules.rs"));
    }
    /// Scrape targets.
    pub mod targets {
        include!(concat!(env!("OUT_DIR"), "/thanos.Targets.rs"));
    }
    /// Metadata of metrics.
    pub mod metadata {
        include!(concat!(env!("OUT_DIR"), "/thanos.Metadata.rs"));
    }
    /// Exemplars.
    pub mod exemplars {
        include!(concat!(env!("OUT_DIR"), "/thanos.Exemplars.rs"));
    }
    /// The health of a server.
    pub mod health {
        include!(concat!(env!("OUT_DIR"), "/grpc.health.v1.Health.rs"));
    }
    /// Servers and clients whose streams are of encoded messages.
    pub mod encoded {
        /// The StoreAPI.
        pub mod store {
            include!(concat!(env!("OUT_DIR"), "/encoded/thanos.Store.rs"));
        }
        /// The Query API.
        pub mod query {
            include!(concat!(env!("OUT_DIR"), "/encoded/thanos.Query.rs"));
        }
    }
}
