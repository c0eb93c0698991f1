//! Basic authentication against bcrypt hashes.
//!
//! A hash takes tens of milliseconds of one core. It is computed on a thread for
//! blocking work, few at a time, and its result is kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use parking_lot::Mutex;
use ring::hmac;
use tokio::sync::Semaphore;

use super::WebConfigError;

/// How many results are kept of each kind.
const KEPT: usize = 100;

/// Users and the hashes of their passwords.
#[derive(Debug, Default)]
pub(super) struct Users(BTreeMap<String, String>);

impl Users {
    /// # Errors
    /// If a hash is not one of bcrypt.
    pub(super) fn new(users: BTreeMap<String, String>) -> Result<Self, WebConfigError> {
        for (user, hash) in &users {
            let parsed: Result<HashParts, _> = hash.parse();
            // The hash is a secret, the name is not.
            parsed.map_err(|error| {
                let why = format_args!("the hash of {user:?}: {error}");
                WebConfigError::setting("basic_auth_users", why)
            })?;
        }
        Ok(Users(users))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The hash of a user, and whether the user exists. An unknown user gets
    /// the hash of another, by a secret choice, so that computing takes as long.
    fn hash(&self, user: &[u8], key: &hmac::Key) -> Option<(&str, bool)> {
        let known = std::str::from_utf8(user)
            .ok()
            .and_then(|user| self.0.get(user));
        if let Some(hash) = known {
            return Some((hash, true));
        }
        let choice = usize::from(hmac::sign(key, user).as_ref()[0]);
        let other = self.0.values().nth(choice % self.0.len().max(1));
        other.map(|hash| (hash.as_str(), false))
    }
}

/// The name and the password of a request.
struct Credentials {
    user: Vec<u8>,
    password: Vec<u8>,
}

impl Credentials {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::AUTHORIZATION)?.as_bytes();
        let (scheme, encoded) = value.split_at_checked("Basic ".len())?;
        if !scheme.eq_ignore_ascii_case(b"Basic ") {
            return None;
        }
        let mut user = STANDARD.decode(encoded).ok()?;
        let colon = user.iter().position(|&byte| byte == b':')?;
        let password = user[colon + 1..].to_vec();
        user.truncate(colon);
        Some(Credentials { user, password })
    }
}

/// What was found out of a user, a hash and a password. Passwords themselves
/// are not kept.
type Digest = [u8; 32];

/// The last digests of one result.
#[derive(Debug, Default)]
struct Recent(VecDeque<Digest>);

impl Recent {
    fn add(&mut self, digest: Digest) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(digest);
    }
}

/// Results of each kind by themselves, so that wrong passwords do not push out
/// right ones.
#[derive(Debug, Default)]
struct Results {
    right: Recent,
    wrong: Recent,
}

impl Results {
    fn get(&self, digest: &Digest) -> Option<bool> {
        if self.right.0.contains(digest) {
            Some(true)
        } else {
            self.wrong.0.contains(digest).then_some(false)
        }
    }
}

/// Checks passwords.
#[derive(Debug)]
pub(super) struct Authenticator {
    results: Mutex<Results>,
    key: hmac::Key,
    /// Wrong passwords must not take all cores from queries.
    computing: Arc<Semaphore>,
}

impl Authenticator {
    /// # Errors
    /// If the system has no random numbers.
    pub(super) fn new() -> Result<Self, WebConfigError> {
        let random = ring::rand::SystemRandom::new();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &random);
        let key = key.map_err(|_| WebConfigError::Random)?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Authenticator {
            results: Mutex::default(),
            key,
            computing: Arc::new(Semaphore::new((cores / 2).max(1))),
        })
    }

    /// Whether a request has the password of one of the users.
    pub(super) async fn check(&self, users: &Users, headers: &HeaderMap) -> bool {
        let Some(credentials) = Credentials::of(headers) else {
            return false;
        };
        let Some((hash, is_known)) = users.hash(&credentials.user, &self.key) else {
            return false;
        };
        let digest = self.digest(&credentials, hash);
        if let Some(result) = self.results.lock().get(&digest) {
            return result && is_known;
        }
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&self.computing).acquire_owned().await else {
            return false;
        };
        // Another request may have found it out meanwhile.
        if let Some(result) = self.results.lock().get(&digest) {
            return result && is_known;
        }
        let hash = hash.to_string();
        let compute = move || {
            let _permit = permit;
            bcrypt::verify(credentials.password, &hash).unwrap_or(false)
        };
        let fits = tokio::task::spawn_blocking(compute).await.unwrap_or(false);
        let is_right = fits && is_known;
        let mut results = self.results.lock();
        if is_right {
            results.right.add(digest);
        } else {
            results.wrong.add(digest);
        }
        is_right
    }

    fn digest(&self, credentials: &Credentials, hash: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [
            credentials.user.as_slice(),
            hash.as_bytes(),
            &credentials.password,
        ] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(users: &[(&str, &str)]) -> Users {
        let hashed = |(user, password): &(&str, &str)| {
            let hash = bcrypt::hash(password, 4).unwrap();
            (user.to_string(), hash)
        };
        Users::new(users.iter().map(hashed).collect()).unwrap()
    }

    fn headers(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, text.parse().unwrap())])
    }

    fn basic(user: &str, password: &str) -> HeaderMap {
        headers(&format!(
            "Basic {}",
            STANDARD.encode(format!("{user}:{password}"))
        ))
    }

    #[tokio::test]
    async fn only_the_users_own_password_passes() {
        let users = users(&[("alice", "one"), ("bob", "two:three")]);
        let authenticator = Authenticator::new().unwrap();
        // Twice: computed, and kept.
        for _ in 0..2 {
            for (user, password, want) in [
                ("alice", "one", true),
                ("bob", "two:three", true),
                ("alice", "two:three", false),
                ("alice", "", false),
                ("carol", "one", false),
                ("carol", "two:three", false),
                ("", "", false),
            ] {
                let passes = authenticator.check(&users, &basic(user, password)).await;
                assert_eq!(passes, want, "{user} {password}");
            }
        }
    }

    #[tokio::test]
    async fn the_header_is_read_as_by_go() {
        let users = users(&[("a", "b")]);
        let authenticator = Authenticator::new().unwrap();
        for (text, want) in [
            ("basic YTpi", true),
            ("BASIC YTpi", true),
            ("Basic  YTpi", false),
            ("Basic YTpi=", false),
            ("Basic YQ==", false),
            ("Bearer YTpi", false),
            ("Basic", false),
        ] {
            let passes = authenticator.check(&users, &headers(text)).await;
            assert_eq!(passes, want, "{text}");
        }
        assert!(!authenticator.check(&users, &HeaderMap::new()).await);
    }

    #[tokio::test]
    async fn a_changed_hash_ends_the_old_password() {
        let authenticator = Authenticator::new().unwrap();
        let request = basic("a", "old");
        assert!(authenticator.check(&users(&[("a", "old")]), &request).await);
        assert!(!authenticator.check(&users(&[("a", "new")]), &request).await);
    }

    #[tokio::test]
    async fn many_wrong_passwords_keep_right_ones() {
        let users = users(&[("a", "b")]);
        let authenticator = Authenticator::new().unwrap();
        assert!(authenticator.check(&users, &basic("a", "b")).await);
        for i in 0..KEPT + 5 {
            let request = basic("a", &i.to_string());
            assert!(!authenticator.check(&users, &request).await);
        }
        let results = authenticator.results.lock();
        assert_eq!((results.right.0.len(), results.wrong.0.len()), (1, KEPT));
    }

    #[test]
    fn hashes_must_be_those_of_bcrypt() {
        let good = bcrypt::hash("b", 4).unwrap();
        for (hash, is_good) in [
            (good.as_str(), true),
            (&good[..59], false),
            ("secret", false),
            ("", false),
        ] {
            let made = Users::new(BTreeMap::from([("al".to_string(), hash.to_string())]));
            assert_eq!(made.is_ok(), is_good, "{hash}");
            if let Err(error) = made {
                let text = error.to_string();
                assert!(
                    text.contains("\"al\"") && !text.contains("secret"),
                    "{text}"
                );
            }
        }
    }
}
