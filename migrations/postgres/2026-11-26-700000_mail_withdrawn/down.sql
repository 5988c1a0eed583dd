DROP INDEX mail_withdrawn;
