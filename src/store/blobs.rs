//! Where the bytes of files lie: in a folder of this machine, or in a bucket that speaks S3. What was kept is durable.

use super::StoreError;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often, and how long in all, a bucket that does not answer is asked again while somebody waits.
const RETRIES: usize = 2;
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a connection may stand still; a big file may take longer as a whole.
const STALLS: Duration = Duration::from_secs(60);

/// Bytes by a key that their content gives, so that none is ever changed.
#[derive(Debug, Clone)]
pub struct Blobs(Arc<dyn ObjectStore>);

/// A bucket as a city names it.
#[derive(Clone)]
pub struct Bucket {
    pub name: String,
    /// What every key begins with; may be empty.
    pub prefix: String,
    pub endpoint: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{} at {}", self.name, self.prefix, self.endpoint)
    }
}

impl Bucket {
    /// Some providers (OSS, COS) want the bucket's name in the host instead of the path.
    fn is_in_host(&self) -> bool {
        let host = self.endpoint.split_once("://").map_or("", |(_, host)| host);
        host.strip_prefix(self.name.as_str()).is_some_and(|rest| rest.starts_with('.'))
    }
}

impl Blobs {
    pub fn in_folder(folder: &Path) -> Result<Blobs, StoreError> {
        std::fs::create_dir_all(folder).map_err(unavailable)?;
        let folder = LocalFileSystem::new_with_prefix(folder).map_err(unavailable)?;
        Ok(Blobs(Arc::new(folder.with_fsync(true))))
    }

    pub fn in_bucket(bucket: &Bucket) -> Result<Blobs, StoreError> {
        // Refused when one is installed already, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connection = ClientOptions::new()
            .with_allow_http(bucket.endpoint.starts_with("http://"))
            .with_timeout_disabled()
            .with_read_timeout(STALLS);
        let store = AmazonS3Builder::new()
            .with_bucket_name(&bucket.name)
            .with_endpoint(&bucket.endpoint)
            .with_virtual_hosted_style_request(bucket.is_in_host())
            .with_region(&bucket.region)
            .with_access_key_id(&bucket.access_key)
            .with_secret_access_key(&bucket.secret_key)
            .with_client_options(connection)
            .with_retry(RetryConfig { max_retries: RETRIES, retry_timeout: PATIENCE, ..RetryConfig::default() })
            .build()
            .map_err(unavailable)?;
        Ok(Blobs(Arc::new(PrefixStore::new(store, bucket.prefix.as_str()))))
    }

    /// Keeps bytes; a second time changes nothing.
    pub async fn keep(&self, key: &str, bytes: impl Into<PutPayload>) -> Result<(), StoreError> {
        let key = Key::from(key);
        match self.0.head(&key).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::NotFound { .. }) => {
                self.0.put(&key, bytes.into()).await.map(drop).map_err(unavailable)
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    pub async fn read(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        let found = self.0.get(&Key::from(key)).await.map_err(unavailable)?;
        Ok(found.bytes().await.map_err(unavailable)?.to_vec())
    }

    /// [`Blobs::read`] piece by piece, for what may be big.
    pub async fn stream(&self, key: &str) -> Result<BoxStream<'static, Result<bytes::Bytes, StoreError>>, StoreError> {
        let found = self.0.get(&Key::from(key)).await.map_err(unavailable)?;
        Ok(found.into_stream().map_err(unavailable).boxed())
    }
}

fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::FilesUnavailable(error.to_string())
}
