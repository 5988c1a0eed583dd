//! Signing in and out, with a lock after failed attempts.

use super::tasks::required;
use super::{Actor, App, Clock, Ctx, Error};
use crate::domain::event::{ActorKind, Channel};
use crate::lang::{Lang, Message};
use crate::store::holders::Credential;
use crate::store::people::{self, Person};
use crate::store::sessions::{self, ApiToken, Holder, Session};
use crate::store::{Tx, new_id};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use chrono::TimeDelta;
use serde_json::json;
use sha2::{Digest, Sha256};

/// Failed sign-ins after which an account is locked, and for how long.
const FAILURES_ALLOWED: i32 = 5;
const LOCKED_FOR: TimeDelta = TimeDelta::minutes(15);
/// How long a session lasts on real time.
pub const SESSION_LASTS: TimeDelta = TimeDelta::hours(12);
const PASSWORD_MIN_CHARS: usize = 8;

/// A fresh session: the token goes into the cookie, only its hash is kept.
pub struct SignedIn {
    pub token: String,
    pub person_id: String,
}

/// A session or token as a request presents it.
pub struct Authenticated {
    pub actor: Actor,
    pub csrf: String,
}

/// An argon2id hash with a fresh salt.
fn hash_password(password: &str) -> Result<String, Error> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::Internal(error.to_string()))
}

/// [`hash_password`] of a password that somebody chooses now.
pub fn hash_new_password(password: &str) -> Result<String, Error> {
    if password.chars().count() < PASSWORD_MIN_CHARS {
        let least = PASSWORD_MIN_CHARS;
        return Err(Error::field("password", Message::new("密码至少 %{least} 位").with("least", least)));
    }
    hash_password(password)
}

fn password_matches(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

fn wrong() -> Error {
    Error::Refused(Message::new("账号或密码不对。"))
}

/// Checks a login and opens a session. The answer does not tell whether the account exists.
pub async fn sign_in(app: &App, login: String, password: String) -> Result<SignedIn, Error> {
    let now = Clock::real();
    let wanted = login.trim().to_owned();
    let person = app.store.read(move |tx| people::person_by_login(tx, &wanted)).await?;
    let locked = person.as_ref().is_some_and(|person| person.locked_until.is_some_and(|until| until > now));
    let hash = person.as_ref().filter(|person| person.active).and_then(|person| person.password_hash.clone());
    // Argon2 takes tens of milliseconds; it runs off the request threads, also for accounts that do not exist.
    let matches = tokio::task::spawn_blocking(move || match hash {
        Some(hash) => password_matches(&hash, &password),
        None => hash_password(&password).is_ok_and(|_| false),
    })
    .await
    .unwrap_or(false);
    let Some(person) = person else { return Err(wrong()) };
    if locked {
        return Err(Error::Refused(Message::new("登录失败次数过多，账号已锁定，请 15 分钟后再试。")));
    }
    if !matches {
        app.store.write(move |tx| note_failure(tx, &person)).await?;
        return Err(wrong());
    }
    let token = new_token();
    let session = Session {
        token_hash: token_hash(&token),
        person_id: person.id.clone(),
        csrf: new_token(),
        created_at: now,
        expires_at: now + SESSION_LASTS,
    };
    app.store
        .write(move |tx| {
            people::set_sign_in_failures(tx, &session.person_id, 0, None)?;
            sessions::delete_expired(tx, now)?;
            sessions::insert(tx, &session)
        })
        .await?;
    Ok(SignedIn { token, person_id: person.id })
}

fn note_failure(tx: &mut Tx, person: &Person) -> Result<(), Error> {
    let failures = person.failed_sign_ins + 1;
    let locked_until = (failures >= FAILURES_ALLOWED).then(|| Clock::real() + LOCKED_FOR);
    let kept = if locked_until.is_some() { 0 } else { failures };
    Ok(people::set_sign_in_failures(tx, &person.id, kept, locked_until)?)
}

pub async fn sign_out(app: &App, token: String) -> Result<(), Error> {
    Ok(app.store.write(move |tx| sessions::delete(tx, &token_hash(&token))).await?)
}

/// Who holds this session's cookie.
pub async fn by_session(app: &App, token: String) -> Result<Authenticated, Error> {
    let holder = holder(app, Credential::Session(token_hash(&token))).await?;
    let csrf = holder.csrf.clone();
    Ok(Authenticated { actor: actor(holder, ActorKind::Person, Channel::Web), csrf })
}

/// Who holds this API token.
pub async fn by_token(app: &App, token: String) -> Result<Actor, Error> {
    let holder = holder(app, Credential::Token(token_hash(&token))).await?;
    Ok(actor(holder, ActorKind::ApiClient, Channel::Api))
}

async fn holder(app: &App, credential: Credential) -> Result<Holder, Error> {
    app.store.holder(credential, Clock::real()).await?.ok_or(Error::Unauthenticated)
}

/// Keeps the language that a person reads pages and mails in.
pub async fn set_language(app: &App, actor: &Actor, lang: Lang) -> Result<(), Error> {
    let Some(person_id) = actor.person_id.clone() else { return Ok(()) };
    app.write(actor, move |ctx| {
        people::set_lang(&mut ctx.tx, &person_id, lang.tag())?;
        ctx.record("person.language_set", ("person", &person_id), None, json!({ "to": lang.tag() }));
        Ok(())
    })
    .await
}

/// Makes an API token for a person; the token itself is shown once.
pub fn issue_token(ctx: &mut Ctx, person_id: &str, name: String) -> Result<String, Error> {
    let (name, token) = (required("name", name)?, new_token());
    let row = ApiToken {
        token_hash: token_hash(&token),
        person_id: person_id.to_owned(),
        name: name.clone(),
        created_at: Clock::real(),
        revoked_at: None,
    };
    sessions::insert_token(&mut ctx.tx, &row)?;
    ctx.record("person.token_issued", ("person", person_id), None, json!({ "title": name }));
    Ok(token)
}

/// The actor's own tokens that still hold.
pub fn own_tokens(ctx: &mut Ctx) -> Result<Vec<ApiToken>, Error> {
    let tokens = sessions::tokens_of(&mut ctx.tx, ctx.actor.id())?;
    Ok(tokens.into_iter().filter(|token| token.revoked_at.is_none()).collect())
}

/// Ends one of the actor's own tokens.
pub fn revoke_own_token(ctx: &mut Ctx, token_hash: &str) -> Result<(), Error> {
    let person_id = ctx.actor.id().to_owned();
    if !sessions::revoke_token(&mut ctx.tx, &person_id, token_hash, Clock::real())? {
        return Err(Error::NotFound);
    }
    ctx.record("person.token_revoked", ("person", &person_id), None, json!({}));
    Ok(())
}

/// Changes the actor's own password, with the present one as the proof. Signs the person out everywhere.
pub async fn change_password(app: &App, actor: &Actor, present: String, new: String) -> Result<(), Error> {
    let person_id = actor.id().to_owned();
    let id = person_id.clone();
    let person = app.store.read(move |tx| people::person_by_id(tx, &id)).await?.ok_or(Error::Unauthenticated)?;
    let hashed = tokio::task::spawn_blocking(move || {
        if !person.password_hash.is_some_and(|hash| password_matches(&hash, &present)) {
            return Err(Error::field("present", Message::new("现在的密码不对")));
        }
        hash_new_password(&new)
    });
    let hash = hashed.await.map_err(|error| Error::Internal(error.to_string()))??;
    app.write(actor, move |ctx| {
        people::set_password(&mut ctx.tx, &person_id, &hash)?;
        sessions::delete_of_person(&mut ctx.tx, &person_id)?;
        ctx.record("person.password_changed", ("person", &person_id), None, json!({}));
        Ok(())
    })
    .await
}

fn actor(holder: Holder, kind: ActorKind, channel: Channel) -> Actor {
    Actor {
        kind,
        person_id: Some(holder.person_id),
        name: holder.name,
        posts: holder.posts,
        lang: Lang::parse(&holder.lang).unwrap_or_default(),
        channel,
        correlation: new_id(),
    }
}

/// A person as whoever acts in their name on this machine needs them.
pub fn actor_of(tx: &mut Tx, person_id: &str, kind: ActorKind, channel: Channel) -> Result<Actor, Error> {
    let person = people::person_by_id(tx, person_id)?.filter(|person| person.active).ok_or(Error::Unauthenticated)?;
    let posts = people::posts_of(tx, person_id, Clock::real())?;
    let Person { id, name, lang, .. } = person;
    Ok(actor(Holder { person_id: id, name, lang, posts, csrf: String::new() }, kind, channel))
}

/// 256 random bits, hex.
pub fn new_token() -> String {
    let bytes: [u8; 32] = rand::random();
    hex::encode(bytes)
}

pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
