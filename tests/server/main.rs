//! The whole server, seen from outside: its pages, its API, its mails, on both databases.

mod browser;
mod chain;
mod chase;
mod commands;
mod consulting;
mod directives;
mod durability;
mod exchange;
mod files;
mod from_mail;
mod hostile;
mod house;
mod import;
mod index;
mod learning;
mod pages;
mod permissions;
mod postfix;
mod postgres;
mod problems;
mod races;
mod real;
mod search;
mod support;
mod what_if;
