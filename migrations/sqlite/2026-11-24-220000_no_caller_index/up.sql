-- Nothing looks tickets up by caller, and every ticket paid for it.
DROP INDEX ticket_caller;
