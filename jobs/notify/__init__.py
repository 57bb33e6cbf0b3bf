"""Who is told what and where: rows of deliveries and living cards, written in the transaction of what happened."""
