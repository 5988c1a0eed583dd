DROP INDEX webhook_delivery_settled;
