//! Evidence in a bucket that speaks S3: it goes there and comes back, and what the bucket does not take changes nothing.

use crate::files::{attached, report};
use crate::matters::in_hand;
use crate::support::{Client, On, Server};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rstest::rstest;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use shenban::store::blobs::Bucket;
use std::path::Path;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// A server that speaks S3 over a folder, and the bucket in it. Aborted, it is gone with its connections.
async fn s3_over(folder: &Path) -> (Bucket, JoinHandle<()>) {
    std::fs::create_dir(folder.join("shenban")).unwrap();
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).unwrap());
    service.set_auth(SimpleAuth::from_single("shenban", "correct"));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            connections.spawn(async move {
                // A client that goes away ends its connection.
                let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    let bucket = Bucket {
        name: "shenban".to_owned(),
        prefix: "city/evidence".to_owned(),
        endpoint,
        region: "us-east-1".to_owned(),
        access_key: "shenban".to_owned(),
        secret_key: "correct".to_owned(),
    };
    (bucket, serving)
}

/// A task that the client's unit has signed for, on a server that keeps evidence in the bucket.
async fn task_with_bucket(on: On, bucket: Bucket) -> Option<(Server, Client, String)> {
    let server = Server::start_with(on, |settings| settings.evidence = Some(bucket)).await?;
    let (_, [survey, ..]) = in_hand(&server, &server.sign_in("coordinator").await).await;
    let traffic = server.sign_in("traffic").await;
    Some((server, traffic, survey))
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn files_of_one_name_and_a_big_one_come_back_as_they_went(#[case] on: On) {
    let folder = TempDir::new().unwrap();
    let (bucket, _serving) = s3_over(folder.path()).await;
    let Some((server, traffic, survey)) = task_with_bucket(on, bucket).await else { return };
    let big: Vec<u8> = (0..20_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut sent: Vec<&[u8]> = vec![b"%PDF-1.4 before", b"%PDF-1.4 after", &big];
    for bytes in &sent {
        let version = traffic.version_of(&survey).await.unwrap();
        assert_eq!(report(&traffic, &survey, version, "现场照片.pdf", bytes).await.status().as_u16(), 303);
    }
    let mut come = Vec::new();
    for id in attached(&traffic, &survey).await {
        let got = traffic.get(&format!("/files/{id}")).await;
        let length = got.content_length();
        let bytes = got.bytes().await.unwrap();
        assert_eq!(length, Some(bytes.len() as u64));
        come.push(bytes);
    }
    come.sort();
    sent.sort();
    assert!(come == sent, "{} files came back", come.len());
    let in_bucket = std::fs::read_dir(folder.path().join("shenban/city/evidence/files")).unwrap().count();
    assert_eq!(in_bucket, 3);
    assert!(!server.app.settings.data_dir.join("files").exists(), "nothing lies beside the bucket");
    server.stop().await;
}

#[rstest]
#[case(On::Sqlite)]
#[case(On::Postgres)]
#[tokio::test]
async fn a_bucket_that_is_down_or_refuses_is_told_and_nothing_changes(#[case] on: On) {
    let folder = TempDir::new().unwrap();
    let (bucket, serving) = s3_over(folder.path()).await;
    let Some((server, traffic, survey)) = task_with_bucket(on, bucket.clone()).await else { return };
    let version = traffic.version_of(&survey).await.unwrap();
    assert_eq!(report(&traffic, &survey, version, "before.pdf", b"%PDF 1").await.status().as_u16(), 303);
    serving.abort();

    let refused = report(&traffic, &survey, version + 1, "during.pdf", b"%PDF 2").await;
    assert_eq!(refused.status().as_u16(), 503);
    let page = refused.text().await.unwrap();
    assert!(page.contains("文件存储暂时不可用") && !page.contains("127.0.0.1"), "{page}");
    assert_eq!(traffic.version_of(&survey).await, Some(version + 1), "nothing changed");
    let [kept] = attached(&traffic, &survey).await.try_into().unwrap();
    assert_eq!(traffic.get(&format!("/files/{kept}")).await.status().as_u16(), 503);
    server.stop().await;

    let folder = TempDir::new().unwrap();
    let wrong_key = Bucket { secret_key: "wrong".to_owned(), ..s3_over(folder.path()).await.0 };
    let Some((server, traffic, survey)) = task_with_bucket(on, wrong_key).await else { return };
    let version = traffic.version_of(&survey).await.unwrap();
    assert_eq!(report(&traffic, &survey, version, "a.pdf", b"%PDF").await.status().as_u16(), 503);
    assert_eq!(traffic.version_of(&survey).await, Some(version), "nothing changed");
    server.stop().await;
}
