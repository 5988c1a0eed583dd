DROP INDEX mail_recent;
